"""Flat planes of scratch, and the columns where their rows end.

A plane of scratch is as flat as the inputs, so that a sweep is one loop over the inner rows, with aligned loads where
the columns are a multiple of a vector. The ends of rows live in columns: they are made there, and put back into the
plane for the cells next to them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from solver.compiling import kernel
from solver.cpu.columns import gather, gather_closed, scatter
from solver.cpu.copying import LINE
from solver.cpu.layout import PERIODIC
from solver.cpu.pointers import pointer
from solver.cpu.storing import pitch_of

BESIDE = 2  # of a plane's four columns, those beside its first and last cells follow them


class Stack(NamedTuple):
    """Planes one behind the other, and behind them four columns for each."""

    planes: Any
    "pointer to the first"
    pitch: int
    "cells from one plane to the next"
    columns: Any
    "pointer to those of the first plane: first and last cells, then the cells beside either"
    column: int
    "cells from one column to the next"


@kernel(part=True)
def cells_of_stack(count, rows, cells, itemsize):
    """Return the cells that a stack of planes takes, whole cache lines."""
    return count * (pitch_of(cells, itemsize) + 4 * pitch_of(rows, itemsize))


@kernel(part=True)
def make_stacks(cells, like):
    """Allocate so many cells for stacks."""
    return np.zeros(cells + LINE // like.itemsize, like.dtype)


@kernel(inline=True)
def open_stack(store, at, count, rows, cells):
    """Lay out a stack that begins `at` cells into the store, whole cache lines."""
    line, pitch = LINE // store.itemsize, pitch_of(cells, store.itemsize)
    start = (-(store.ctypes.data // store.itemsize)) % line + at
    return Stack(pointer(store, start), pitch, pointer(store, start + count * pitch), pitch_of(rows, store.itemsize))


@kernel(inline=True)
def plane_in(stack, k):
    """Return a pointer to plane k."""
    return pointer(stack.planes, k * stack.pitch)


@kernel(inline=True)
def column_in(stack, k, which):
    """Return a pointer to a column of plane k: of the first (0) or last cells (1), or BESIDE one of them."""
    return pointer(stack.columns, (4 * k + which) * stack.column)


@kernel(inline=True)
def column_beside(last, n):
    """Return the column next to the first or last one of n; of one column itself, whose neighbours are its copies."""
    return max(n - 2, 0) if last else min(1, n - 1)


@kernel(inline=True)
def gather_beside(stack, k, plane, extent, one):
    """Gather the columns beside the ends of plane k, which lies at `plane`."""
    for last in range(2):
        to = column_in(stack, k, BESIDE + last)
        gather(to, plane, column_beside(last, extent.columns), extent.rows, extent.columns, one)


@kernel(inline=True)
def gather_ends(stack, k, plane, extent, one):
    """Gather the ends of the rows of plane k, which lies at `plane`, closed north and south."""
    for last in range(2):
        gather_closed(column_in(stack, k, last), plane, last * (extent.columns - 1), extent, one, one)


@kernel(inline=True)
def put_ends(stack, k, plane, extent):
    """Close the ends of the rows of plane k north and south, and put them into `plane`."""
    rows, n, (north, south, _, _) = extent.rows, extent.columns, extent.sides
    for last in range(2):
        a = column_in(stack, k, last)
        a[-1] = a[rows - 1] if north == PERIODIC else a[0]
        a[rows] = a[0] if south == PERIODIC else a[rows - 1]
        scatter(plane, last * (n - 1), a, rows, n)


@kernel(inline=True)
def columns_around(stack, k, last, extent):
    """Return the columns west and east of the first or last one of plane k; beyond a wall it is its own neighbour."""
    _, _, west, east = extent.sides
    here, other = column_in(stack, k, last), column_in(stack, k, 1 - last)
    beyond = other if (east if last else west) == PERIODIC else here
    beside = column_in(stack, k, BESIDE + last)
    return (beside, beyond) if last else (beyond, beside)
