"""How an input that broadcasts to (..., rows, columns) lies in memory, for a kernel that goes plane by plane.

An input is kept as it is, never expanded: a scalar is one plane of one value, a per-channel tensor (C, 1, 1) is C
planes of one value, a field shared by a batch is read again for each member. Plane p of the batch is plane
(p // repeat) % count of the input.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

import numpy as np

from solver.records import Array, Inputs


class Layout(NamedTuple):
    """One input as the kernels see it."""

    flat: Array
    "contiguous values, one plane after the other"
    cells: int
    "values per plane: 1, or rows * columns"
    repeat: int
    "so many successive planes of the batch share one plane"
    count: int
    "planes stored"


def lay_out(array: Array, shape: tuple[int, ...]) -> Layout:
    """Describe `array`, which broadcasts to `shape`; copied only if no stride of planes describes it."""
    padded = (1,) * (len(shape) - array.ndim) + array.shape
    if padded[-2:] != (1, 1) and padded[-2:] != shape[-2:]:
        array = np.broadcast_to(array, padded[:-2] + shape[-2:])
        padded = array.shape
    batch = shape[:-2]
    kept = [axis for axis, size in enumerate(batch) if size > 1 and padded[axis] == size]
    if kept and any(batch[a] > 1 and a not in kept for a in range(kept[0], kept[-1])):
        array = np.broadcast_to(array, batch + padded[-2:])
        padded = array.shape
        kept = [axis for axis, size in enumerate(batch) if size > 1]
    repeat = prod(batch[kept[-1] + 1 :]) if kept else 1
    count = prod(batch[axis] for axis in kept)
    return Layout(_writable(np.ascontiguousarray(array)).reshape(-1), prod(padded[-2:]), repeat, count)


class Batch(NamedTuple):
    """The seven inputs of a kernel call: flat arrays, and one row (cells, repeat, count) each."""

    arrays: tuple[Array, ...]
    table: Array

    @classmethod
    def of(cls, inputs: Inputs, shape: tuple[int, ...]) -> Batch:
        """Lay out all seven inputs for the common `shape`."""
        layouts = [lay_out(a, shape) for a in inputs]
        table = np.array([(x.cells, x.repeat, x.count) for x in layouts], np.int64)
        return cls(tuple(x.flat for x in layouts), table)


class _Writable:
    """The memory of a frozen array, declared writable."""

    def __init__(self, array: Array) -> None:
        interface = dict(array.__array_interface__)
        interface["data"] = (interface["data"][0], False)
        self.__array_interface__ = interface
        self.owner = array


def _writable(array: Array) -> Array:
    """Return the same memory as a writable array: Numba compiles a kernel anew for frozen ones. Kernels only read."""
    return array if array.flags.writeable else np.asarray(_Writable(array))
