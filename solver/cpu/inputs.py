"""Where the inputs of whole planes lie: read in place, plane by plane and row by row.

A row must cost little beside its arithmetic, so that it is not copied to be padded: with padded copies of two inputs a
row of 32 cells took 345 cycles. Loops run over whole rows as if the cells beside a row in memory were the neighbours of
its ends, which is right for all but the two; these are made again, one at a time.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from solver.compiling import kernel, point_function
from solver.cpu.copying import LINE, prefetch_address
from solver.cpu.layout import DX, NOW, OLD, PERIODIC, SOURCE, U, plane_base
from solver.cpu.pointers import pointer
from solver.cpu.tiles import fill_run

SPARE = 16  # cells before and after the row of an input of one value


class Here(NamedTuple):
    """Where one plane's inputs lie, and the next one's."""

    memory: tuple[Any, ...]
    "seven pointers"
    at: Any
    "pointer to the seven offsets of the plane's first cell"
    pitch: Any
    "pointer to seven numbers: cells from one row to the next; 0 for a row that stands for all"
    ahead: Any
    "pointer to the addresses of what is asked for in advance"


class Reach(NamedTuple):
    """How far beyond its rows a plane may be read."""

    before: int
    "1 if no cell lies before the plane's first in some input, else 0"
    first: int
    "the loops over rows first..last-1 may go on to a whole cache line, in their own row and in those beside it"
    last: int


@kernel(part=True)
def make_room(columns, like):
    """Allocate the rows that stand for inputs of one value a plane."""
    return np.empty(7 * (columns + 2 * SPARE), like.dtype)


@kernel(part=True)
def make_notes():
    """Allocate what `Here` keeps."""
    return np.zeros(22, np.int64)


@kernel(inline=True)
def open_here(arrays, table, columns, constants, notes):
    """Decide where each input is read, for all planes of a batch."""
    at, pitch, ahead = pointer(notes, 0), pointer(notes, 7), pointer(notes, 14)
    for which in range(7):
        pitch[which] = 0 if table[which, 0] == 1 else columns
    rows = pointer(constants, 0)
    memory = (
        pointer(arrays[0], 0) if pitch[0] else rows,
        pointer(arrays[1], 0) if pitch[1] else rows,
        pointer(arrays[2], 0) if pitch[2] else rows,
        pointer(arrays[3], 0) if pitch[3] else rows,
        pointer(arrays[4], 0) if pitch[4] else rows,
        pointer(arrays[5], 0) if pitch[5] else rows,
        pointer(arrays[6], 0) if pitch[6] else rows,
    )
    return Here(memory, at, pitch, ahead)


@point_function
def whole_row(extent):
    """Return the columns of a row, rounded up to whole cache lines."""
    line = LINE // extent.itemsize
    return (extent.columns + line - 1) // line * line


@kernel(inline=True)
def turn_to_plane(here, arrays, table, p, extent, constants):
    """Go to plane p of the batch. Return a `Reach`."""
    rows, columns, whole = extent.rows, extent.columns, whole_row(extent)
    before, first, last = 0, 0, rows
    for which in range(7):
        base = plane_base(table, which, p)
        if here.pitch[which]:
            here.at[which] = base
            rest = arrays[which].size - base
            if base == 0:
                before = 1
            if rest < rows * columns + whole - columns + 1:
                # Row i reads up to the end of row i + 1, and the first perhaps the last.
                first = 1 if whole > columns else 0
                last = min(last, rows - 1 if whole == columns else max(0, (rest - whole - 1) // columns))
        else:
            row = which * (columns + 2 * SPARE)
            fill_run(pointer(constants, 0), row, columns + 2 * SPARE, arrays[which][base])
            here.at[which] = row + SPARE
    return Reach(before, first, last)


@point_function
def row_range(i, reach, extent):
    """Return the first and last cell of the loop over row i, which is to leave no cell over for a loop of single cells.

    The cells beyond the row that it makes are made again with their own row. Where memory ends, the ends of the row are
    left out, which are made apart.
    """
    inside = reach.first <= i < reach.last
    return reach.before if i == 0 else 0, whole_row(extent) if inside else extent.columns - 1


@kernel(inline=True)
def look_ahead(here, arrays, table, p):
    """Note the addresses of plane p's inputs, of equal ones the first, and return how many there are."""
    count = 0
    for which in range(7):
        twin = which in (OLD, SOURCE) and arrays[which].ctypes.data == arrays[NOW].ctypes.data
        if here.pitch[which] and table[which, 3] > 1 and not twin:
            here.ahead[count] = arrays[which].ctypes.data + plane_base(table, which, p) * arrays[which].itemsize
            count += 1
    return count


@point_function
def beside(j, n, sides, v, row, r):
    """Return the neighbours of cell j, the first or last of a row, and v there: beyond a wall it turns around."""
    west, east, v_west, v_east = j - 1, j + 1, r.one, r.one
    if j == 0:
        west = n - 1
        if sides[2] != PERIODIC:
            west, v_west = 0, -r.one
    if j == n - 1:
        east = 0
        if sides[3] != PERIODIC:
            east, v_east = j, -r.one
    return west, east, v_west * v[row + west], v_east * v[row + east]


@point_function
def neighbours(i, rows, sides):
    """Return the rows before and after row i; beyond a wall a row is its own neighbour."""
    north, south = i - 1, i + 1
    if i == 0:
        north = rows - 1 if sides[0] == PERIODIC else 0
    if i == rows - 1:
        south = 0 if sides[1] == PERIODIC else i
    return north, south


@point_function
def offsets(here, i, rows, sides, r):
    """Return the offsets of row i and of the rows before and after it, and the signs of u there."""
    at, pitch = here.at, here.pitch
    north, south = neighbours(i, rows, sides)
    before = -r.one if i == 0 and sides[0] != PERIODIC else r.one
    after = -r.one if i == rows - 1 and sides[1] != PERIODIC else r.one
    row = (
        at[0] + i * pitch[0],
        at[1] + i * pitch[1],
        at[2] + i * pitch[2],
        at[3] + i * pitch[3],
        at[4] + i * pitch[4],
        at[5] + i * pitch[5],
        at[6] + i * pitch[6],
    )
    beyond = at[NOW] + north * pitch[NOW], at[U] + north * pitch[U], at[DX] + north * pitch[DX]
    behind = at[NOW] + south * pitch[NOW], at[U] + south * pitch[U], at[DX] + south * pitch[DX]
    return (row, beyond, behind), before, after


@point_function
def ask(here, streams, i, n, itemsize):
    """Ask for row i of what comes next: a few lines at a time, more would fill the line buffers and wait."""
    for m in range(streams):
        prefetch_address(here.ahead[m] + i * n * itemsize, n * itemsize)
