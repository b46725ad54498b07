"""Memory as the kernels see it.

Inside the loops over rows arrays are bare pointers. A record that carries a dozen of Numba's arrays costs hundreds of
reference counts and copies a row, measured at 1 microsecond, twenty times the arithmetic of 32 cells. Whoever takes a
pointer must hold the array: as an argument of the function that takes it.
"""

from __future__ import annotations

from numba import types
from numba.extending import intrinsic, overload


def pointer(array, offset):
    """Return the memory of a flat array from cell `offset` on; to plain Python it is a view."""
    return array[offset:]


@intrinsic
def _pointer(typing_context, array, offset):
    def generate(context, builder, signature, arguments):
        return builder.gep(data_of(context, builder, signature.args[0], arguments[0]), [arguments[1]])

    return types.CPointer(array.dtype)(array, types.intp), generate


def data_of(context, builder, kind, value):
    """Return the address of the first cell of an array or pointer."""
    return value if isinstance(kind, types.CPointer) else context.make_array(kind)(context, builder, value).data


@overload(pointer, inline="never")
def _compiled_pointer(array, offset):
    def implementation(array, offset):
        return _pointer(array, offset)  # type: ignore[call-arg]

    return implementation


def is_flat(kind):
    """Whether a type is that of a pointer or a contiguous array of one dimension."""
    return isinstance(kind, types.CPointer) or (isinstance(kind, types.Array) and kind.ndim == 1 and kind.layout == "C")


def keep_alive(*arrays):
    """Hold arrays until here whose pointers are in use; without it they are freed after their last other use."""


@overload(keep_alive, inline="never")
def _compiled_keep_alive(*arrays):
    def implementation(*arrays):
        pass

    return implementation
