"""Planes of scratch, one behind the other, as flat as the inputs: a sweep is then one loop.

Rows have no padding: loads are aligned where the columns are a multiple of a vector. There may be a border before and
behind each plane, for the rows that `solver.cpu.seam` puts there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from solver.compiling import kernel
from solver.cpu.copying import LINE
from solver.cpu.pointers import pointer
from solver.cpu.storing import pitch_of


class Stack(NamedTuple):
    """Planes one behind the other."""

    planes: Any
    "pointer to the first"
    pitch: int
    "cells from one plane to the next"


@kernel(part=True)
def make_stack(count, cells, border, like):
    """Allocate for so many planes of cells, each with a border on either side."""
    return np.zeros(count * pitch_of(cells + 2 * border, like.itemsize) + LINE // like.itemsize, like.dtype)


@kernel(inline=True)
def open_stack(store, cells, border):
    """Lay it out: planes begin cache lines."""
    start = border + (-(store.ctypes.data // store.itemsize + border)) % (LINE // store.itemsize)
    return Stack(pointer(store, start), pitch_of(cells + 2 * border, store.itemsize))


@kernel(inline=True)
def plane_in(stack, k):
    """Return a pointer to plane k."""
    return pointer(stack.planes, k * stack.pitch)


@kernel(inline=True)
def behind(stack, count):
    """Return the stack of those behind so many planes."""
    return Stack(plane_in(stack, count), stack.pitch)
