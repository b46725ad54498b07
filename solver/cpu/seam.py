"""One traversal of all cells of a flat plane, the ends of its rows as well.

The cells west and east of an end are not those beside it in memory. Both are read, the one beside and the one across
the seam, and a mark says which is meant: such a choice costs less than to make the ends again as columns, and rows as
short as a vector have hardly any other cells. What is read so has a margin, see `solver.cpu.margins`, or is closed: a
plane of scratch with a row north and one south of it, so that all its cells are one loop.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from solver.compiling import kernel, point_function
from solver.cpu.asking import CHUNK
from solver.cpu.copying import copy_rows
from solver.cpu.layout import PERIODIC
from solver.cpu.pointers import pointer
from solver.cpu.uniform import neighbours_along, turned
from solver.cpu.vectors import BYTES, take_widest

MARK = -1  # negative: a sign is a test in itself
RUN = 16  # cells of a short run
LONG = BYTES  # and of a long one: four vectors of float32


class Seam(NamedTuple):
    """What lies beside the ends of rows."""

    first: Any
    "pointer to a mark for each cell of the plane, negative for the first of a row"
    last: Any
    "and for the last; a row of one cell ends twice"
    west: int
    "how far the cell west of the first one is from it; beyond a wall it is its own neighbour"
    east: int
    "likewise of the last one"
    of_west: Any
    "signs of v there: -1 beyond a wall"
    of_east: Any


@kernel(part=True)
def make_marks(rows, n):
    """Mark the first cells of rows of n, and behind these the last ones."""
    cells = rows * n
    marks = np.zeros(2 * cells, np.int8)
    for start in range(0, cells, n):
        marks[start] = MARK
        marks[cells + start + n - 1] = MARK
    return marks


@kernel(inline=True)
def open_seam(marks, extent, one):
    """Describe the ends of rows; `marks` is a pointer to what `make_marks` made."""
    n, (_, _, west, east) = extent.columns, extent.sides
    beyond, of_west = (n - 1, one) if west == PERIODIC else (0, -one)
    after, of_east = (1 - n, one) if east == PERIODIC else (0, -one)
    return Seam(marks, pointer(marks, extent.rows * n), beyond, after, of_west, of_east)


@kernel(inline=True)
def close_rows(plane, beyond_wall, extent):
    """Put a row north and one south of a plane of scratch: that across it, or beyond a wall another plane's nearest."""
    n, cells, (north, south, _, _) = extent.columns, extent.rows * extent.columns, extent.sides
    if north == PERIODIC:
        copy_rows(plane, -n, n, plane, cells - n, n, 1, n)
    else:
        copy_rows(plane, -n, n, beyond_wall, 0, n, 1, n)
    if south == PERIODIC:
        copy_rows(plane, cells, n, plane, 0, n, 1, n)
    else:
        copy_rows(plane, cells, n, beyond_wall, cells - n, n, 1, n)


@point_function
def across(west, east, plane_west, plane_east, q, seam):
    """Return the cells west and east of cell q, or at an end of its row those across the seam in other planes.

    A seam of None says that q is no end.
    """
    if seam is None:
        return west, east
    beyond, after = plane_west[q + seam.west], plane_east[q + seam.east]
    return beyond if seam.first[q] < 0 else west, after if seam.last[q] < 0 else east


@point_function
def beside(plane, q, seam):
    """Return the cells west and east of cell q of a plane."""
    return across(plane[q - 1], plane[q + 1], plane, plane, q, seam)


@point_function
def beside_turned(v, q, seam):
    """Return the velocities west and east of cell q, turned around beyond a wall."""
    beyond, after = seam.of_west * v[q + seam.west], seam.of_east * v[q + seam.east]
    return beyond if seam.first[q] < 0 else v[q - 1], after if seam.last[q] < 0 else v[q + 1]


@point_function
def fields_around(q, north, south, before, after, memory, seam, r):
    """Return u, v, Dx, Dy and f of cell q as `stencil.assemble` takes them.

    `north` and `south` are the cells in the rows before and after, with the signs of u there.
    """
    _, _, f, u, v, Dx, Dy = memory
    v_west, v_east = beside_turned(v, q, seam)
    D_x, D_y = (Dx[q], Dx[q], Dx[q]), (Dy[q], Dy[q], Dy[q])
    if r.diffusivity_share is not None:
        west, east = beside(Dy, q, seam)
        D_x, D_y = (Dx[q], Dx[north], Dx[south]), (Dy[q], west, east)
    return (u[q], turned(before, u[north]), turned(after, u[south])), (v[q], v_west, v_east), D_x, D_y, f[q]


@point_function
def level_around(H, q, north, south, seam):
    """Return cell q of a level and its neighbours: centre, north, south, west, east."""
    west, east = beside(H, q, seam)
    return H[q], H[north], H[south], west, east


@kernel(inline=True)
def over_rest(make, arguments, begin, rest, stop, around, seam, r):
    """Go over the cells rest..stop-1 of those from `begin` on as `over_closed` does, in short runs.

    `around` says how far the cells north and south are, and the signs of u there. The last run begins early, in cells
    that are made already: whoever writes must not write over what is read.
    """
    up, down, before, after = around
    fits = stop - begin >= RUN
    for run in range((stop - rest + RUN - 1) // RUN if fits else 0):
        start = min(rest + run * RUN, stop - RUN)
        for offset in range(RUN):
            q = start + offset
            make(q, q + up, q + down, before, after, arguments, seam, r)
    for q in range(stop if fits else begin, stop):
        make(q, q + up, q + down, before, after, arguments, seam, r)


@kernel(inline=True)
def over_closed(make, arguments, between, duties, seam, extent, r):
    """Call make(q, north, south, before, after, arguments, seam, r) for all cells of planes that are closed.

    Rows lie north and south of such planes, see `close_rows`; `before` and `after`, the signs of u there, are None.
    Loops are runs of a constant number of cells, of which LLVM makes vectors. Those that hold no end of a row are
    spared the choices: `seam` is None there. Once a CHUNK of cells, but for those of short runs, between(its first
    cell, duties, one) is called, with a one of the inputs' dtype. All of it is part of the code of whoever calls: a
    function that is passed on at run time is an address, which no cache on disk can keep.
    """
    take_widest()
    n, stop = extent.columns, extent.rows * extent.columns
    rest, column = stop // LONG * LONG, 0
    for start in range(0, rest, LONG):
        if start % CHUNK == 0:
            between(start, duties, r.one)
        if column > 0 and column + LONG < n:
            for offset in range(LONG):
                q = start + offset
                make(q, q - n, q + n, None, None, arguments, None, r)
        else:
            for offset in range(LONG):
                q = start + offset
                make(q, q - n, q + n, None, None, arguments, seam, r)
        column += LONG
        column -= n if column >= n else 0  # of no meaning in rows shorter than a run, all of which hold ends
    over_rest(make, arguments, 0, rest, stop, (-n, n, None, None), seam, r)


@kernel(inline=True)
def over_plane(make, arguments, between, duties, seam, extent, r):
    """Do so for planes as they lie in memory; `before` and `after` are given in the outer rows.

    The rows inside come first: a processor that looks ahead in memory follows them from the first on. What limits such
    a loop is memory, and every run makes the choices.
    """
    take_widest()
    rows, n, sides = extent.rows, extent.columns, extent.sides
    begin, stop = n, (rows - 1) * n
    rest = begin + max(0, stop - begin) // CHUNK * CHUNK
    for start in range(begin, rest, CHUNK):
        between(start, duties, r.one)
        for offset in range(CHUNK):
            q = start + offset
            make(q, q - n, q + n, None, None, arguments, seam, r)
    over_rest(make, arguments, begin, rest, stop, (-n, n, None, None), seam, r)
    for edge in range(2):
        i = edge * (rows - 1)
        north, south, before, after = neighbours_along(i, rows, sides, r)
        around = (north - i) * n, (south - i) * n, before, after
        over_rest(make, arguments, i * n, i * n, (i + 1) * n, around, seam, r)
