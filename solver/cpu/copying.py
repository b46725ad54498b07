"""Copying a short run of cells between two flat arrays.

A loop over 32 cells costs an alias check and a remainder each time: measured, 280 ns a plane of 32 x 32 float32
where memcpy takes 65 ns.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"

from __future__ import annotations

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload


def copy_run(target, at, source, start, count):
    """target[at : at + count] = source[start : start + count], for arrays that do not overlap."""
    target[at : at + count] = source[start : start + count]


@intrinsic
def _memcpy(typing_context, target, at, source, start, count):
    signature = types.void(target, types.intp, source, types.intp, types.intp)

    def generate(context, builder, signature, arguments):
        element = signature.args[0].dtype
        to, at, source, start, count = arguments
        to = context.make_array(signature.args[0])(context, builder, to).data
        source = context.make_array(signature.args[2])(context, builder, source).data
        size = context.get_abi_sizeof(context.get_data_type(element))
        cgutils.raw_memcpy(builder, builder.gep(to, [at]), builder.gep(source, [start]), count, size)
        return context.get_dummy_value()

    return signature, generate


@overload(copy_run, inline="never")
def _compiled_copy_run(target, at, source, start, count):
    contiguous = all(isinstance(a, types.Array) and a.ndim == 1 and a.layout == "C" for a in (target, source))
    if not contiguous or target.dtype != source.dtype:
        return None

    def implementation(target, at, source, start, count):
        _memcpy(target, at, source, start, count)

    return implementation
