"""Planes with a margin: as many cells before the first and after the last one as a row has, which may be read.

What a loop reads there it does not use, see `solver.cpu.seam`; but only memory that belongs to an input may be read at
all. A plane between others of its array has them for a margin, the first and the last one are read from copies.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from solver.compiling import kernel
from solver.cpu.copying import copy_run
from solver.cpu.layout import DY, INPUTS, NOW, V
from solver.cpu.pointers import pointer
from solver.cpu.seam import Seam, make_marks, open_seam
from solver.cpu.storing import pitch_of
from solver.cpu.uniform import Batched, base_of, make_constants, make_notes, open_batch, turn_to


class Margins(NamedTuple):
    """What is known of the memory around planes, and room for copies."""

    copies: Any
    "pointer to room for a copy of each input"
    sizes: Any
    "pointer to how many numbers each of the seven inputs has"
    width: int
    "of a margin"
    pitch: int
    "cells from one copy to the next"
    first: int
    "planes first..last-1 lie between others in all inputs"
    last: int


class Reading(NamedTuple):
    """How the planes of a batch are read."""

    batch: Batched
    margins: Margins
    seam: Seam


@kernel(part=True)
def make_reading(arrays, table, rows, columns, like):
    """Allocate what a thread needs to read planes: for constants, notes, sizes, copies and marks."""
    cells, sizes = rows * columns, np.zeros(INPUTS, np.int64)
    for which in range(INPUTS):
        sizes[which] = arrays[which].size
    copies = np.empty(INPUTS * pitch_of(cells + 2 * columns, like.itemsize), like.dtype)
    constants = make_constants(table, cells, columns, like)
    return constants, make_notes(arrays), copies, sizes, make_marks(rows, columns)


@kernel(part=True)
def between_others(table, cells, width):
    """Return which planes, first..last-1, have such a margin in every input; none, where an input is shared."""
    first, last = 0, np.iinfo(np.int64).max
    for which in range(INPUTS):
        if table[which, 0] > 1 or cells == 1:
            reach = (width + table[which, 1] - 1) // table[which, 1]
            shared = table[which, 2] != 1 or table[which, 3] == 1
            first, last = max(first, reach), 0 if shared else min(last, table[which, 3] - reach)
    return first, last


@kernel(inline=True)
def open_reading(arrays, table, extent, held):
    """Describe it; whoever calls must hold all arrays and what is allocated."""
    (constants, notes, copies, sizes, marks), width = held, extent.columns
    cells = extent.rows * extent.columns
    pitch, one = pitch_of(cells + 2 * width, copies.itemsize), copies.dtype.type(1)
    margins = Margins(pointer(copies, width), pointer(sizes, 0), width, pitch, *between_others(table, cells, width))
    batch = open_batch(arrays, table, cells, width, constants, notes)
    return Reading(batch, margins, open_seam(pointer(marks, 0), extent, one))


@kernel(inline=True)
def turn_to_whole(reading, p, first):
    """Return pointers to the seven inputs of plane p as `uniform.turn_to` does, with margins."""
    return with_margins(turn_to(reading.batch, p, first), reading.batch, reading.margins, p)


@kernel(inline=True)
def with_margins(memory, batch, margins, p):
    """Return the seven inputs of plane p, those whose cells west and east are read with a margin."""
    if margins.first <= p and p < margins.last:
        return memory
    now, old, f, u, v, Dx, Dy = memory
    none = p - p  # a literal argument would make Numba compile `with_margin` once for each
    now = with_margin(now, batch, margins, none + NOW, p)
    v = with_margin(v, batch, margins, none + V, p)
    Dy = with_margin(Dy, batch, margins, none + DY, p)
    return now, old, f, u, v, Dx, Dy


@kernel(part=True)
def with_margin(plane, batch, margins, which, p):
    """Return the plane of an input, or a copy of it; constants that are spread have a margin."""
    if batch.table[4 * which] > 1 or batch.cells == 1:
        base = base_of(batch.table, which, p)
        if base < margins.width or base + batch.cells + margins.width > margins.sizes[which]:
            copy_run(margins.copies, which * margins.pitch, plane, 0, batch.cells)
            return pointer(margins.copies, which * margins.pitch)
    return plane
