"""Memory as the kernels see it.

Inside the loops over rows arrays are bare pointers. A record that carries a dozen of Numba's arrays costs hundreds of
reference counts and copies a row, measured at 1 microsecond, twenty times the arithmetic of 32 cells. Whoever takes a
pointer must hold the array: as an argument of the function that takes it.
"""

from __future__ import annotations

from numba import types
from numba.extending import intrinsic

from solver.compiling import in_kernels


class Memory:
    """What a pointer is to plain Python: cells of an array from a first one on, those before it at negative indices."""

    def __init__(self, cells, first):
        self.cells, self.first = cells, first
        self.dtype, self.itemsize = cells.dtype, cells.itemsize

    def _at(self, index):
        if isinstance(index, slice):
            return slice(self.first + index.start, self.first + index.stop)
        return self.first + int(index)

    def __getitem__(self, index):
        return self.cells[self._at(index)]

    def __setitem__(self, index, value):
        self.cells[self._at(index)] = value


def pointer(array, offset):
    """Return the memory of a contiguous array, or pointer, from cell `offset` on."""
    if isinstance(array, Memory):
        return Memory(array.cells, array.first + int(offset))
    return Memory(array.reshape(-1), int(offset))


@intrinsic
def _pointer(typing_context, array, offset):
    def generate(context, builder, signature, arguments):
        return builder.gep(data_of(context, builder, signature.args[0], arguments[0]), [arguments[1]])

    return types.CPointer(array.dtype)(array, types.intp), generate


def data_of(context, builder, kind, value):
    """Return the address of the first cell of an array or pointer."""
    return value if isinstance(kind, types.CPointer) else context.make_array(kind)(context, builder, value).data


@in_kernels(pointer)
def _compiled_pointer(array, offset):
    def implementation(array, offset):
        return _pointer(array, offset)  # type: ignore[call-arg]

    return implementation


def size_of(a):
    """Return the bytes of a number, or of one in an array or at a pointer, as a constant of the compilation."""
    return a.itemsize


@intrinsic
def _size_of(typing_context, a):
    def generate(context, builder, signature, arguments):
        kind = a.dtype if isinstance(a, (types.CPointer, types.Array)) else a
        return context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(kind)))

    return types.intp(a), generate


@in_kernels(size_of)
def _compiled_size_of(a):
    def implementation(a):
        return _size_of(a)  # type: ignore[call-arg]

    return implementation


def seven(memory, start, pitch):
    """Return seven pointers into an array or pointer, `pitch` cells apart: as one they would be tested for overlap."""
    return tuple(pointer(memory, start + m * pitch) for m in range(7))


@in_kernels(seven)
def _compiled_seven(memory, start, pitch):
    def implementation(memory, start, pitch):
        return (
            pointer(memory, start),
            pointer(memory, start + pitch),
            pointer(memory, start + 2 * pitch),
            pointer(memory, start + 3 * pitch),
            pointer(memory, start + 4 * pitch),
            pointer(memory, start + 5 * pitch),
            pointer(memory, start + 6 * pitch),
        )

    return implementation


def pointers_to(arrays):
    """Return pointers to the memory of seven arrays."""
    return tuple(pointer(array, 0) for array in arrays)


@in_kernels(pointers_to)
def _compiled_pointers_to(arrays):
    def implementation(arrays):
        return (
            pointer(arrays[0], 0),
            pointer(arrays[1], 0),
            pointer(arrays[2], 0),
            pointer(arrays[3], 0),
            pointer(arrays[4], 0),
            pointer(arrays[5], 0),
            pointer(arrays[6], 0),
        )

    return implementation


def is_flat(kind):
    """Whether a type is that of a pointer or a contiguous array of one dimension."""
    return isinstance(kind, types.CPointer) or (isinstance(kind, types.Array) and kind.ndim == 1 and kind.layout == "C")


def keep_alive(*arrays):
    """Hold arrays until here whose pointers are in use; without it they are freed after their last other use."""


@in_kernels(keep_alive)
def _compiled_keep_alive(*arrays):
    def implementation(*arrays):
        pass

    return implementation
