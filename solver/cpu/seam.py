"""One traversal of all cells of a flat plane, the ends of its rows as well.

The cells west and east of an end are not those beside it in memory. Both are read, the one beside and the one across
the seam, and a mark says which is meant: such a choice costs less than to make the ends again as columns, and rows as
short as a vector have hardly any other cells. What is read so has a margin: see `solver.cpu.margins`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from solver.compiling import kernel, point_function
from solver.cpu.inside import CHUNK
from solver.cpu.layout import PERIODIC
from solver.cpu.uniform import neighbours_along, turned
from solver.cpu.vectors import take_widest

FIRST, LAST = 1, 2  # marks of a cell in its row, bits
RUN = 16  # cells of a run inside the plane
EDGE = 8  # and of one in its first and its last row


class Seam(NamedTuple):
    """What lies beside the ends of rows."""

    marks: Any
    "pointer to a mark for each cell of the plane"
    west: int
    "how far the cell west of the first one is from it; beyond a wall it is its own neighbour"
    east: int
    "likewise of the last one"
    of_west: Any
    "signs of v there: -1 beyond a wall"
    of_east: Any


@kernel(part=True)
def make_marks(rows, n):
    """Mark the ends of rows of n cells; a row of one cell ends twice."""
    marks = np.zeros(rows * n, np.uint8)
    for start in range(0, rows * n, n):
        marks[start] |= FIRST
        marks[start + n - 1] |= LAST
    return marks


@kernel(inline=True)
def open_seam(marks, extent, one):
    """Describe the ends of rows; `marks` is a pointer to what `make_marks` made."""
    n, (_, _, west, east) = extent.columns, extent.sides
    beyond, of_west = (n - 1, one) if west == PERIODIC else (0, -one)
    after, of_east = (1 - n, one) if east == PERIODIC else (0, -one)
    return Seam(marks, beyond, after, of_west, of_east)


@point_function
def beside(plane, q, seam, of_west, of_east):
    """Return the cells west and east of cell q; those across the seam, which is None inside a row, times signs or 1."""
    west, east = plane[q - 1], plane[q + 1]
    if seam is None:
        return west, east
    beyond, after = turned(of_west, plane[q + seam.west]), turned(of_east, plane[q + seam.east])
    mark = seam.marks[q]
    return beyond if mark & FIRST else west, after if mark & LAST else east


@point_function
def beside_turned(v, q, seam):
    """Return the velocities west and east of cell q, turned around beyond a wall."""
    if seam is None:
        return v[q - 1], v[q + 1]
    return beside(v, q, seam, seam.of_west, seam.of_east)


@point_function
def fields_around(q, north, south, before, after, memory, seam, r):
    """Return u, v, Dx, Dy and f of cell q as `stencil.assemble` takes them; without a seam, of one inside its row.

    `north` and `south` are the cells in the rows before and after, with the signs of u there.
    """
    _, _, f, u, v, Dx, Dy = memory
    v_west, v_east = beside_turned(v, q, seam)
    D_x, D_y = (Dx[q], Dx[q], Dx[q]), (Dy[q], Dy[q], Dy[q])
    if r.diffusivity_share is not None:
        west, east = beside(Dy, q, seam, None, None)
        D_x, D_y = (Dx[q], Dx[north], Dx[south]), (Dy[q], west, east)
    return (u[q], turned(before, u[north]), turned(after, u[south])), (v[q], v_west, v_east), D_x, D_y, f[q]


@point_function
def level_around(H, q, north, south, seam):
    """Return cell q of a level and its neighbours: centre, north, south, west, east."""
    west, east = beside(H, q, seam, None, None)
    return H[q], H[north], H[south], west, east


@kernel(inline=True)
def over_plane(make, arguments, between, duties, seam, extent, r):
    """Call make(q, north, south, before, after, arguments, seam, r) for all cells q; see `inside.over_inside`.

    Loops are runs of a constant number of cells, of which LLVM makes vectors. The last run of a row, or of the rows
    inside, begins early, in cells that are made already: whoever writes must not write over what is read. The rows
    inside come first: a processor that looks ahead in memory follows them from the first on.
    """
    take_widest()
    rows, n, sides = extent.rows, extent.columns, extent.sides
    begin, stop = n, (rows - 1) * n
    fits = stop - begin >= RUN
    for run in range((stop - begin + RUN - 1) // RUN if fits else 0):
        start = min(begin + run * RUN, stop - RUN)
        if run % (CHUNK // RUN) == 0 and start + CHUNK <= stop:
            between(start, duties, r.one)
        column = start % n
        if column and column + RUN < n:
            for offset in range(RUN):
                q = start + offset
                make(q, q - n, q + n, None, None, arguments, None, r)
        else:
            for offset in range(RUN):
                q = start + offset
                make(q, q - n, q + n, None, None, arguments, seam, r)
    for q in range(stop if fits else begin, stop):
        make(q, q - n, q + n, None, None, arguments, seam, r)
    for edge in range(2):
        i = edge * (rows - 1)
        north, south, before, after = neighbours_along(i, rows, sides, r)
        first, up, down = i * n, (north - i) * n, (south - i) * n
        for run in range((n + EDGE - 1) // EDGE if n >= EDGE else 0):
            start = first + min(run * EDGE, n - EDGE)
            for offset in range(EDGE):
                q = start + offset
                make(q, q + up, q + down, before, after, arguments, seam, r)
        for q in range(first + n if n >= EDGE else first, first + n):
            make(q, q + up, q + down, before, after, arguments, seam, r)
