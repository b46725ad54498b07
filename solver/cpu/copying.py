"""Memory as the kernels see it: pointers, and moving runs of cells, between two places and towards the cache.

Inside the loops arrays are bare pointers. A record that carries a dozen of Numba's arrays costs hundreds of reference
counts and copies a row, measured at 1 microsecond, twice the arithmetic of 32 cells. Whoever takes a pointer must
hold the array: as an argument of the function that takes it.

A loop over 32 cells costs an alias check and a remainder each time: measured, 280 ns a plane of 32 x 32 float32
where memcpy takes 65 ns. Numba's own slice assignment also compiles the text of its error message, for seconds.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload


def pointer(array, offset):
    """Return the memory of a flat array from cell `offset` on; to plain Python it is a view."""
    return array[offset:]


@intrinsic
def _pointer(typing_context, array, offset):
    def generate(context, builder, signature, arguments):
        return builder.gep(_data(context, builder, signature.args[0], arguments[0]), [arguments[1]])

    return types.CPointer(array.dtype)(array, types.intp), generate


def _data(context, builder, kind, value):
    """Return the address of the first cell of an array or pointer."""
    return value if isinstance(kind, types.CPointer) else context.make_array(kind)(context, builder, value).data


@overload(pointer, inline="never")
def _compiled_pointer(array, offset):
    def implementation(array, offset):
        return _pointer(array, offset)  # type: ignore[call-arg]

    return implementation


def copy_run(target, at, source, start, count):
    """target[at : at + count] = source[start : start + count], for runs that do not overlap."""
    target[at : at + count] = source[start : start + count]


@intrinsic
def _memcpy(typing_context, target, at, source, start, count):
    signature = types.void(target, types.intp, source, types.intp, types.intp)

    def generate(context, builder, signature, arguments):
        element = signature.args[0].dtype
        to, at, source, start, count = arguments
        to = _data(context, builder, signature.args[0], to)
        source = _data(context, builder, signature.args[2], source)
        size = context.get_abi_sizeof(context.get_data_type(element))
        cgutils.raw_memcpy(builder, builder.gep(to, [at]), builder.gep(source, [start]), count, size)
        return context.get_dummy_value()

    return signature, generate


def _is_flat(kind):
    """Whether a type is that of a pointer or a contiguous array of one dimension."""
    return isinstance(kind, types.CPointer) or (isinstance(kind, types.Array) and kind.ndim == 1 and kind.layout == "C")


@overload(copy_run, inline="never")
def _compiled_copy_run(target, at, source, start, count):
    if not (_is_flat(target) and _is_flat(source)) or target.dtype != source.dtype:
        return None

    def implementation(target, at, source, start, count):
        _memcpy(target, at, source, start, count)  # type: ignore[call-arg]

    return implementation


def prefetch(source, start, count):
    """Ask for source[start : start + count] to be brought into the second-level cache; changes nothing.

    A plane of 32 x 32 float32 is one page, and the processor's own prefetcher starts anew at each page: with the next
    plane asked for while this one is computed, a cold plane costs about half.
    """


@intrinsic
def _prefetch(typing_context, source, start, count):
    signature = types.void(source, types.intp, types.intp)

    def generate(context, builder, signature, arguments):
        source, start, count = arguments
        data = _data(context, builder, signature.args[0], source)
        size = context.get_abi_sizeof(context.get_data_type(signature.args[0].dtype))
        byte, flag = ir.IntType(8), ir.IntType(32)
        pointer = builder.bitcast(builder.gep(data, [start]), byte.as_pointer())
        function = builder.module.declare_intrinsic(
            "llvm.prefetch",
            (byte.as_pointer(),),
            ir.FunctionType(ir.VoidType(), [byte.as_pointer(), flag, flag, flag]),
        )
        length = builder.mul(count, ir.Constant(count.type, size))
        step = ir.Constant(count.type, 64)
        with cgutils.for_range_slice(builder, ir.Constant(count.type, 0), length, step, count.type) as (
            offset,
            _,
        ):
            arguments = [builder.gep(pointer, [offset]), flag(0), flag(2), flag(1)]
            builder.call(function, arguments)
        return context.get_dummy_value()

    return signature, generate


@overload(prefetch, inline="never")
def _compiled_prefetch(source, start, count):
    def implementation(source, start, count):
        _prefetch(source, start, count)  # type: ignore[call-arg]

    return implementation


def stream_run(target, at, source, start, count):
    """Copy like `copy_run`, past the caches: what is written is not first read, nor does it push anything out.

    For results that no cache holds; `settle` before another thread reads them.
    """
    target[at : at + count] = source[start : start + count]


@intrinsic
def _stream(typing_context, target, at, source, start, count):
    signature = types.void(target, types.intp, source, types.intp, types.intp)

    def generate(context, builder, signature, arguments):
        element = context.get_data_type(signature.args[0].dtype)
        size = context.get_abi_sizeof(element)
        lanes = 64 // size
        _, at, _, start, count = arguments
        word = count.type
        to = builder.gep(_data(context, builder, signature.args[0], arguments[0]), [at])
        source = builder.gep(_data(context, builder, signature.args[2], arguments[2]), [start])
        # The cells before the first whole line, and those after the last, are stored as usual.
        over = builder.and_(builder.sub(word(0), builder.ptrtoint(to, word)), word(63))
        before = builder.udiv(over, word(size))
        before = builder.select(builder.icmp_signed("<", before, count), before, count)
        lines = builder.udiv(builder.sub(count, before), word(lanes))
        after = builder.add(before, builder.mul(lines, word(lanes)))
        cgutils.raw_memcpy(builder, to, source, before, size)
        vector = ir.VectorType(element, lanes).as_pointer()
        temporal = builder.module.add_metadata([ir.IntType(32)(1)])
        with cgutils.for_range_slice(builder, before, after, word(lanes), word) as (cell, _):
            line = builder.load(builder.bitcast(builder.gep(source, [cell]), vector), align=size)
            stored = builder.store(line, builder.bitcast(builder.gep(to, [cell]), vector), align=64)
            stored.set_metadata("nontemporal", temporal)
        rest = builder.sub(count, after)
        cgutils.raw_memcpy(builder, builder.gep(to, [after]), builder.gep(source, [after]), rest, size)
        return context.get_dummy_value()

    return signature, generate


@overload(stream_run, inline="never")
def _compiled_stream_run(target, at, source, start, count):
    def implementation(target, at, source, start, count):
        _stream(target, at, source, start, count)  # type: ignore[call-arg]

    return implementation


def settle():
    """Order what has been streamed before all that this thread writes from now on."""


@intrinsic
def _settle(typing_context):
    def generate(context, builder, signature, arguments):
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), generate


@overload(settle, inline="never")
def _compiled_settle():
    def implementation():
        _settle()  # type: ignore[call-arg]

    return implementation
