"""One traversal of a flat plane: all cells but the first and the last of each row.

The rows inside the plane are one loop, as the neighbours of a cell are then as far from it everywhere; at the ends of
rows they are not, so what is made there is of no meaning, and `solver.cpu.columns` makes it anew. The first and the
last row, whose neighbours lie across the plane or beyond a wall, have loops of their own. Loops are runs of a constant
number of cells. The last run begins early, in cells that are made already, as a rest would be made one by one: whoever
writes must not write over what is read.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from solver.compiling import kernel, point_function
from solver.cpu.copying import prefetch_address
from solver.cpu.pointers import size_of
from solver.cpu.uniform import neighbours_along
from solver.cpu.vectors import take_widest

CHUNK = 64  # cells between two requests to memory
RUN = 16  # cells of a run of the first and the last row


class Asked(NamedTuple):
    """What is asked for in advance, cell by cell as the plane is gone over."""

    addresses: Any
    "pointer to the addresses of planes"
    many: int


@point_function
def ask(start, asked, one):
    """Ask for a run of cells of what comes next: a few lines at a time, more would fill the line buffers and wait."""
    for m in range(asked.many):
        prefetch_address(asked.addresses[m] + start * size_of(one), CHUNK * size_of(one))


@point_function
def rest(start, duties, one):
    """Do nothing between two runs."""


@kernel(inline=True)
def over_inside(make, arguments, between, duties, extent, r):
    """Call make(cell, north, south, before, after, arguments, r) for all cells but the ends of rows.

    `north` and `south` are the cells in the rows before and after; `before` and `after` are the signs of the velocity
    there, None inside the plane. Before each run of CHUNK cells, between(its first cell, duties, one) is called, with a
    one of the inputs' dtype. All of it is part of the code of whoever calls: a function that is passed on at run time
    is an address, which no cache on disk can keep.
    """
    take_widest()
    rows, n, sides = extent.rows, extent.columns, extent.sides
    begin, stop = n, (rows - 1) * n
    for start in range(begin, stop - CHUNK + 1, CHUNK):
        between(start, duties, r.one)
        for offset in range(CHUNK):
            q = start + offset
            make(q, q - n, q + n, None, None, arguments, r)
    for q in range(stop - CHUNK if stop - begin >= CHUNK else begin, stop):
        make(q, q - n, q + n, None, None, arguments, r)
    for edge in range(2):
        i = edge * (rows - 1)
        north, south, before, after = neighbours_along(i, rows, sides, r)
        first, up, down = i * n + 1, (north - i) * n, (south - i) * n
        end = first + n - 2
        for run in range((n - 2 + RUN - 1) // RUN if n - 2 >= RUN else 0):
            start = min(first + run * RUN, end - RUN)
            for offset in range(RUN):
                q = start + offset
                make(q, q + up, q + down, before, after, arguments, r)
        for q in range(end if n - 2 >= RUN else first, end):
            make(q, q + up, q + down, before, after, arguments, r)
