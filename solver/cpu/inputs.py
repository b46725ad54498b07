"""Where the inputs of a plane of any size lie: read in place, row by row, and a row of one value for all rows.

Nothing of the size of a plane is allocated: a survey goes over grids that fill the memory. For planes that a cache
holds there is `solver.cpu.uniform`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from solver.compiling import kernel, point_function
from solver.cpu.layout import DX, NOW, U, plane_base
from solver.cpu.pointers import pointer
from solver.cpu.tiles import fill_run
from solver.cpu.uniform import neighbours_along

SPARE = 16  # cells before and after the row of an input of one value


class Here(NamedTuple):
    """Where one plane's inputs lie."""

    memory: tuple[Any, ...]
    "seven pointers"
    at: Any
    "pointer to the seven offsets of the plane's first cell"
    pitch: Any
    "pointer to seven numbers: cells from one row to the next; 0 for a row that stands for all"


@kernel(part=True)
def make_room(columns, like):
    """Allocate the rows that stand for inputs of one value a plane."""
    return np.empty(7 * (columns + 2 * SPARE), like.dtype)


@kernel(part=True)
def make_notes():
    """Allocate what `Here` keeps."""
    return np.zeros(14, np.int64)


@kernel(inline=True)
def open_here(arrays, table, columns, constants, notes):
    """Decide where each input is read, for all planes of a batch."""
    at, pitch = pointer(notes, 0), pointer(notes, 7)
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
    return Here(memory, at, pitch)


@kernel(inline=True)
def turn_to_plane(here, arrays, table, p, extent, constants):
    """Go to plane p of the batch."""
    columns = extent.columns
    for which in range(7):
        base = plane_base(table, which, p)
        if here.pitch[which]:
            here.at[which] = base
        else:
            row = which * (columns + 2 * SPARE)
            fill_run(pointer(constants, 0), row, columns + 2 * SPARE, arrays[which][base])
            here.at[which] = row + SPARE


@point_function
def beside(j, n, sides, v, row, r):
    """Return the neighbours of cell j, the first or last of a row, and v there: beyond a wall it turns around."""
    west, east, of_west, of_east = neighbours_along(j, n, (sides[2], sides[3]), r)
    return west, east, of_west * v[row + west], of_east * v[row + east]


@point_function
def offsets(here, i, rows, sides, r):
    """Return the offsets of row i and of the rows before and after it, and the signs of u there."""
    at, pitch = here.at, here.pitch
    north, south, before, after = neighbours_along(i, rows, sides, r)
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
