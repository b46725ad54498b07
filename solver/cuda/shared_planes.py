"""Planes of a region in shared memory, with a ring around them for what the cells at its ends find beyond.

Where the region is the whole of a periodic axis the ring holds what lies at the other end; elsewhere a cell at an end
finds its own number: so it is at a wall, and in a halo it does not matter.
"""

from __future__ import annotations

from typing import NamedTuple

from solver.compiling import point_function
from solver.cuda.memory import word


@point_function
def cells_of_thread(thread, width, pitch, region):
    """Return row, column and place of a thread's first cell, and how many rows its column has: 0 beyond the region."""
    i = word(thread // width)
    j = word(thread - i * width)
    rows = region.rows.length if j < region.columns.length else word(0)
    return i, j, word((i + 1) * pitch + j + 1), rows


class Ends(NamedTuple):
    """Which ends of its region a cell lies at, and how far the places beyond the other end, or this, are from it."""

    north: bool
    south: bool
    west: bool
    east: bool
    of_north: int
    of_south: int
    of_west: int
    of_east: int


@point_function
def ends_of(m, i, j, region, pitch):
    """Return the ends of a cell, number m of its thread: of these the first alone can be at the north."""
    rows, columns = region.rows, region.columns
    up = word(rows.length * pitch if rows.wraps else -pitch)
    left = word(columns.length if columns.wraps else -1)
    down, right = word(-up), word(-left)
    return Ends(m == 0 and i == 0, i == rows.length - 1, j == 0, j == columns.length - 1, up, down, left, right)


@point_function
def spread(memory, q, value, ends):
    """Write a number of a cell, and again beyond the ends where it is found as a neighbour's."""
    memory[q] = value
    if ends.north:
        memory[word(q + ends.of_north)] = value
    if ends.south:
        memory[word(q + ends.of_south)] = value
    if ends.west:
        memory[word(q + ends.of_west)] = value
    if ends.east:
        memory[word(q + ends.of_east)] = value


@point_function
def around(memory, q, pitch):
    """Return the numbers of a cell and its four neighbours."""
    return memory[q], memory[word(q - pitch)], memory[word(q + pitch)], memory[word(q - 1)], memory[word(q + 1)]
