"""How an input that broadcasts to (..., rows, columns) lies in memory, for a kernel that goes plane by plane.

An input is kept as it is where that can be: a scalar is one plane of one value, a per-channel tensor (C, 1, 1) is C
planes of one value, a field shared by a batch is read again for each member. Plane p of the batch is plane
(p // repeat) % planes of the input.
"""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from solver.compiling import kernel
from solver.records import Array, Inputs, Kinds, Mesh

PERIODIC, NO_FLUX, DIRICHLET, OPEN = range(4)  # how the kernels know the sides; OPEN: of a tile, no edge of its plane
NOW, OLD, SOURCE, U, V, DX, DY = range(7)  # the order of solver.records.Inputs
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
    padded = (1,) * (len(shape) - array.ndim) + array.shape
    if padded[-2:] != (1, 1) and padded[-2:] != shape[-2:]:
        array = np.broadcast_to(array, padded[:-2] + shape[-2:])
    else:
        array = array.reshape(padded)
    batch = shape[:-2]
    kept = [axis for axis, size in enumerate(batch) if size > 1 and array.shape[axis] == size]
    if kept and any(size > 1 for axis, size in enumerate(batch[: kept[-1]]) if axis > kept[0] and axis not in kept):
        array = np.broadcast_to(array, batch + array.shape[-2:])
        kept = [axis for axis, size in enumerate(batch) if size > 1]
    stride = _plane_stride(array, kept)
    if stride is None:
        array = np.ascontiguousarray(array)
        stride = prod(array.shape[-2:])
    planes = prod(batch[axis] for axis in kept)
    cells = prod(array.shape[-2:])
    flat = as_strided(array, ((planes - 1) * stride + cells,), (array.itemsize,))
    repeat = prod(batch[kept[-1] + 1 :]) if kept else 1
    return Layout(writable(flat), cells, stride, repeat, planes)


def _plane_stride(array: Array, kept: list[int]) -> int | None:
    """Values between successive planes, if each plane is contiguous and they are evenly spaced; else None."""
    if not array[(0,) * (array.ndim - 2)].flags.c_contiguous:
        return None
    cells = prod(array.shape[-2:])
    if not kept:
        return cells
    strides = [array.strides[axis] for axis in kept]
    sizes = [array.shape[axis] for axis in kept]
    even = all(s == n * inner for s, n, inner in zip(strides, sizes[1:], strides[1:], strict=False))
    stride, rest = divmod(strides[-1], array.itemsize)
    return stride if even and rest == 0 and stride >= cells else None


class Batch(NamedTuple):
    """The seven inputs of a kernel call: flat arrays, and one row (cells, stride, repeat, planes) each."""

    arrays: tuple[Array, ...]
    table: Array

    @classmethod
    def of(cls, inputs: Inputs, shape: tuple[int, ...]) -> Batch:
        """Lay out all seven inputs for the common `shape`."""
        layouts = [lay_out(a, shape) for a in inputs]
        table = np.array([(x.cells, x.stride, x.repeat, x.planes) for x in layouts], np.int64)
        return cls(tuple(x.flat for x in layouts), table)

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
