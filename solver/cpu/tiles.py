"""Tiles of planes, and the memory that a thread computes them in.

A tile is a rectangle of a plane. A side of it is an edge of the plane or open; beyond an open side the tile has as many
more cells as it makes steps, and at each step one more of them is stale.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from solver.compiling import kernel
from solver.cpu.copying import LINE, copy_run
from solver.cpu.layout import OPEN, PERIODIC
from solver.cpu.pointers import pointer, seven

SETS, APART = 64, 7  # lines of 4 KiB, and by how many beyond whole ones a plane of scratch lies behind the last
BUFFERS = 10  # rows of fields that are not read in place: three of u, three of Dx, v, Dy, source, H[-1]


class Tile(NamedTuple):
    """A rectangle of a plane, the cells beyond its open sides included."""

    row: int
    "of the plane, of the tile's first row; the plane is taken to go on periodically"
    column: int
    rows: int
    columns: int
    north: int
    "kinds of the sides: as of the plane, or OPEN"
    south: int
    west: int
    east: int


class Room(NamedTuple):
    """Scratch of one thread: padded rows, each beginning on a cache line, with a cell beside either end."""

    c: tuple[Any, ...]
    "pointers to seven planes of coefficients; a single step keeps none"
    work: Any
    "pointer to the even levels, the odd levels and the buffers"
    stride: int
    "cells from one row to the next"
    mask: int
    "row i lies in slot i & mask"
    lead: int
    "cells before the first of a row"
    plane: int
    "cells from an even level to the odd one"
    buffers: int
    "offset of the first buffer's first cell"


@kernel(part=True)
def make_store(columns, ring, steps, like):
    """Allocate for `ring` rows of so many columns."""
    lead, stride, plane = measure(columns, ring, like.itemsize)
    store = np.zeros((9 if steps > 1 else 2) * plane + BUFFERS * stride + 2 * lead, like.dtype)
    return store[(-(store.ctypes.data // like.itemsize)) % lead :]


@kernel(part=True)
def measure(columns, ring, itemsize):
    """Cells before a row, from one row to the next, and from one plane of scratch to the next.

    A load waits for a store before it whose address ends in the same 12 bits, until that is known to be another. Planes
    are so far apart, modulo 4 KiB, that no load of the next vectors meets a store of the last ones.
    """
    lead = LINE // itemsize
    stride = (columns + lead - 1) // lead * lead + lead
    plane = ring * stride
    plane += (APART * lead - plane) % (SETS * lead)
    return lead, stride, plane


@kernel(inline=True)
def open_room(store, columns, ring, steps):
    """Lay scratch out for `ring` rows, a power of two, each of which is used again."""
    lead, stride, plane = measure(columns, ring, store.itemsize)
    first = 7 * plane if steps > 1 else 0
    c = seven(store, 0, plane)
    return Room(c, pointer(store, first), stride, ring - 1, lead, plane, 2 * plane + lead)


@kernel(inline=True)
def slot(room, i):
    """Offset of row i of the tile in a plane of scratch."""
    return (i & room.mask) * room.stride + room.lead


@kernel(inline=True)
def plane_row(tile, i, rows):
    """Row of the plane that is row i of the tile; a division would cost as much as eight cells."""
    row = tile.row + i
    if row < 0:
        return row + rows
    return row - rows if row >= rows else row


@kernel(inline=True)
def first_row(tile, step):
    """First row of a tile that step `step` (0, 1, ...) makes."""
    return step + 1 if tile.north == OPEN else 0


@kernel(inline=True)
def end_row(tile, step):
    """One past the last such row."""
    return tile.rows - step - 1 if tile.south == OPEN else tile.rows


@kernel(inline=True)
def fill_ends(a, q, tile, mirror):
    """Fill the cells beside the ends of a row at `q`: with the other end, or beyond a wall `mirror` times the end."""
    n = tile.columns
    if tile.west != OPEN:
        a[q - 1] = a[q + n - 1] if tile.west == PERIODIC else mirror * a[q]
    if tile.east != OPEN:
        a[q + n] = a[q] if tile.east == PERIODIC else mirror * a[q + n - 1]


@kernel(part=True)
def copy_columns(target, at, source, row, first, count, columns):
    """Copy `count` columns of the row of a plane that begins at offset `row`; it goes on periodically."""
    if first >= 0 and first + count <= columns:
        copy_run(target, at, source, row + first, count)
        return
    done = 0
    while done < count:
        j = (first + done) % columns
        run = min(columns - j, count - done)
        copy_run(target, at + done, source, row + j, run)
        done += run


@kernel(part=True)
def fill_run(a, at, count, value):
    """Set `count` cells to one value."""
    for j in range(count):
        a[at + j] = value
