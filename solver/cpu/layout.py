"""How an input that broadcasts to (..., rows, columns) lies in memory, for a kernel that goes plane by plane.

An input is kept as it is where that can be: a scalar is one plane of one value, a per-channel tensor (C, 1, 1) is C
planes of one value, a field shared by a batch is read again for each member. Plane p of the batch is plane
(p // repeat) % planes of the input.
"""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from solver.compiling import kernel
from solver.records import Array, Inputs, Kinds, Mesh

PERIODIC, NO_FLUX, DIRICHLET, OPEN = range(4)  # how the kernels know the sides; OPEN: of a tile, no edge of its plane
INPUTS = 7
NOW, OLD, SOURCE, U, V, DX, DY = range(INPUTS)  # the order of solver.records.Inputs
_CODES = {"periodic": PERIODIC, "no-flux": NO_FLUX, "dirichlet": DIRICHLET}


class Extent(NamedTuple):
    """What the kernels go over."""

    rows: int
    columns: int
    steps: int
    unfiltered: int
    "leading steps without filter: all of them if there is none"
    sides: tuple[int, int, int, int]
    "kinds of the north, south, west and east side"
    itemsize: int
    "bytes of a value"

    @classmethod
    def of(cls, shape: tuple[int, ...], steps: int, mesh: Mesh, dtype: np.dtype[Any]) -> Extent:
        """Describe K steps on planes of `shape`, (..., rows, columns)."""
        unfiltered = min(mesh.raw.unfiltered, steps) if mesh.raw.nu else steps
        return cls(shape[-2], shape[-1], steps, unfiltered, _codes(mesh.boundary), dtype.itemsize)


def _codes(kinds: Kinds) -> tuple[int, int, int, int]:
    north, south, west, east = (_CODES[kind] for kind in kinds)
    return north, south, west, east


class Layout(NamedTuple):
    """One input as the kernels see it."""

    flat: Array
    "the memory from the first value to the last"
    cells: int
    "values per plane: 1, or rows * columns, contiguous"
    stride: int
    "values from one plane to the next"
    repeat: int
    "so many successive planes of the batch share one plane"
    planes: int
    "how many are stored"


def lay_out(array: Array, shape: tuple[int, ...]) -> Layout:
    """Describe `array`, which broadcasts to `shape`; it is copied only if this description cannot be given."""
    array = np.asarray(array)  # of a memory map or another subclass: the plain array
    # The two usual cases first: on small planes the search below costs more than the kernel.
    if array.flags.c_contiguous and array.shape == shape:
        cells = shape[-2] * shape[-1]
        return Layout(writable(array.reshape(-1)), cells, cells, 1, prod(shape[:-2]))
    if array.size == 1:
        return Layout(writable(array.reshape(-1)), 1, 1, 1, 1)
    return _search(array, shape)


def _search(array: Array, shape: tuple[int, ...]) -> Layout:
    """Describe an array that lies in any way."""
    padded = (1,) * (len(shape) - array.ndim) + array.shape
    if padded[-2:] != (1, 1) and padded[-2:] != shape[-2:]:
        array = np.broadcast_to(array, padded[:-2] + shape[-2:])
    elif array.shape != padded:
        array = array.reshape(padded)
    batch = shape[:-2]
    spread = [axis for axis, size in enumerate(batch) if size > 1]
    kept = [axis for axis in spread if array.shape[axis] == batch[axis]]
    if kept and kept != [axis for axis in spread if kept[0] <= axis <= kept[-1]]:
        array = np.broadcast_to(array, batch + array.shape[-2:])
        kept = spread
    stride = _plane_stride(array, kept)
    cells = array.shape[-2] * array.shape[-1]
    if stride is None:
        array, stride = np.ascontiguousarray(array), cells
    planes = prod([batch[axis] for axis in kept])
    flat = as_strided(array, ((planes - 1) * stride + cells,), (array.itemsize,))
    repeat = prod(batch[kept[-1] + 1 :]) if kept else 1
    return Layout(writable(flat), cells, stride, repeat, planes)


def _plane_stride(array: Array, kept: list[int]) -> int | None:
    """Values between successive planes, if each plane is contiguous and they are evenly spaced; else None."""
    if not array[(0,) * (array.ndim - 2)].flags.c_contiguous:
        return None
    cells: int = array.shape[-2] * array.shape[-1]
    if not kept:
        return cells
    for outer, inner in pairwise(kept):
        if array.strides[outer] != array.shape[inner] * array.strides[inner]:
            return None
    spacing: int = array.strides[kept[-1]]
    stride, rest = divmod(spacing, array.itemsize)
    return stride if rest == 0 and stride >= cells else None


class Batch(NamedTuple):
    """The seven inputs of a kernel call: flat arrays, and one row (cells, stride, repeat, planes) each."""

    arrays: tuple[Array, ...]
    table: Array

    @classmethod
    def of(cls, inputs: Inputs, shape: tuple[int, ...]) -> Batch:
        """Lay out all seven inputs for the common `shape`."""
        layouts: list[Layout] = []
        before = None
        for array in inputs:
            # H[0], H[-1] and the source of a layer are one array, u and v or Dx and Dy may be.
            layouts.append(layouts[-1] if array is before else lay_out(array, shape))
            before = array
        table = np.array([layout[1:] for layout in layouts], np.int64)
        return cls(tuple([layout.flat for layout in layouts]), table)

    def with_levels(self, now: Array, old: Array, extent: Extent) -> Batch:
        """Return the same fields with other levels, flat arrays of all planes."""
        cells = extent.rows * extent.columns
        table = self.table.copy()
        table[:2] = cells, cells, 1, now.size // cells
        return Batch((now, old, *self.arrays[2:]), table)


class _Writable:
    """The memory of a frozen array, declared writable."""

    def __init__(self, array: Array) -> None:
        interface = dict(array.__array_interface__)
        interface["data"] = (interface["data"][0], False)
        self.__array_interface__ = interface
        self.owner = array


def writable(array: Array) -> Array:
    """Return the same memory as a writable array: Numba compiles a kernel anew for frozen ones. Kernels only read."""
    return array if array.flags.writeable else np.asarray(_Writable(array))


@kernel(inline=True)
def plane_base(table, which, p):
    """Offset of plane p of the batch in input `which`; divisions only where planes are shared."""
    repeat, count = table[which, 2], table[which, 3]
    index = p if repeat == 1 else p // repeat
    return (index if index < count else index % count) * table[which, 1]
