"""Where a tile reads its seven inputs: in place, or from a padded row of scratch.

A row of an input is read in place if its cells need no neighbour along the row and the tile does not wrap around the
plane. Others are copied a row at a time, which the first-level cache absorbs. An input of one value a plane is a row
of that value, filled once: no plane of constants is ever read.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from solver.compiling import kernel
from solver.cpu.layout import DX, DY, NOW, OLD, PERIODIC, SOURCE, U, V, plane_base
from solver.cpu.pointers import pointer
from solver.cpu.rows import Place
from solver.cpu.tiles import copy_columns, fill_ends, fill_run, plane_row, slot

FIRST_BUFFER = (0, 9, 8, 0, 6, 3, 7)  # of each input; u and Dx have three: own, north, south
BUFFERED = (0, 1, 1, 3, 1, 3, 1)
IN_PLACE, COPIED, CONSTANT = range(3)


class Sources(NamedTuple):
    """The inputs of a tile."""

    inputs: tuple[Any, ...]
    "pointers to all seven"
    fields: tuple[Any, ...]
    "where u, v, Dx, Dy, source are read: the input, or the scratch"
    old_field: Any
    "where H[-1] is read"
    how: Any
    "IN_PLACE, COPIED or CONSTANT, of each input: pointer"
    base: Any
    "offset of the plane in each input: pointer"


@kernel(part=True)
def make_notes():
    """Allocate what `Sources` keeps of each input."""
    return np.zeros(14, np.int64)


@kernel(inline=True)
def open_sources(notes, arrays, table, tile, extent, room, r):
    """Decide how each input is read, for all planes of a batch; `notes` is `make_notes()`."""
    how, base = pointer(notes, 0), pointer(notes, 7)
    wraps = tile.column < 0 or tile.column + tile.columns > extent.columns
    for which in range(7):
        ends = which in (NOW, V) or (which == DY and r.diffusivity_share is not None)
        if table[which, 0] == 1:
            how[which] = CONSTANT
        else:
            how[which] = COPIED if ends or wraps else IN_PLACE
    now, old, source = pointer(arrays[0], 0), pointer(arrays[1], 0), pointer(arrays[2], 0)
    u, v, Dx, Dy = pointer(arrays[3], 0), pointer(arrays[4], 0), pointer(arrays[5], 0), pointer(arrays[6], 0)
    work = room.work
    fields = (
        u if how[U] == IN_PLACE else work,
        work,
        Dx if how[DX] == IN_PLACE else work,
        Dy if how[DY] == IN_PLACE else work,
        source if how[SOURCE] == IN_PLACE else work,
    )
    inputs = (now, old, source, u, v, Dx, Dy)
    return Sources(inputs, fields, old if how[OLD] == IN_PLACE else work, how, base)


@kernel(inline=True)
def turn_to(sources, arrays, table, p, tile, room):
    """Go to plane p of the batch: its offsets, and the rows of its constants."""
    for which in range(7):
        sources.base[which] = plane_base(table, which, p)
        if sources.how[which] == CONSTANT:
            for n in range(FIRST_BUFFER[which], FIRST_BUFFER[which] + BUFFERED[which]):
                value = arrays[which][sources.base[which]]
                fill_run(room.work, room.buffers + n * room.stride - 1, tile.columns + 2, value)


@kernel(inline=True)
def read_row(source, how, base, buffer, row, tile, extent, room):
    """Return the offset at which row `row` of an input is found, having copied it to `buffer` if need be."""
    row_at = base + row * extent.columns
    if how == IN_PLACE:
        return row_at + tile.column
    if how == COPIED:
        copy_columns(room.work, buffer, source, row_at, tile.column, tile.columns, extent.columns)
    return buffer


@kernel(inline=True)
def load_now(sources, i, tile, extent, room, r):
    """Load row i of the tile of H[0]."""
    at = slot(room, i)
    if sources.how[NOW] == CONSTANT:
        fill_run(room.work, at, tile.columns, sources.inputs[NOW][sources.base[NOW]])
    else:
        row_at = sources.base[NOW] + plane_row(tile, i, extent.rows) * extent.columns
        copy_columns(room.work, at, sources.inputs[NOW], row_at, tile.column, tile.columns, extent.columns)
    fill_ends(room.work, at, tile, r.one)


@kernel(inline=True)
def place_fields(sources, i, tile, extent, room, r):
    """Find the fields of row i of the tile, and H[-1]."""
    row = plane_row(tile, i, extent.rows)
    north, south, before, after = row - 1, row + 1, r.one, r.one
    if row == 0:
        north = extent.rows - 1
        if extent.sides[0] != PERIODIC:
            north, before = row, -r.one
    if row == extent.rows - 1:
        south = 0
        if extent.sides[1] != PERIODIC:
            south, after = row, -r.one
    _, old, source, u, v, Dx, Dy = sources.inputs
    how, base, first, stride = sources.how, sources.base, room.buffers, room.stride
    # u and Dx have three buffers each, their own row, the north and the south one: see FIRST_BUFFER.
    u_at = read_row(u, how[U], base[U], first, row, tile, extent, room)
    u_north = read_row(u, how[U], base[U], first + stride, north, tile, extent, room)
    u_south = read_row(u, how[U], base[U], first + 2 * stride, south, tile, extent, room)
    v_at = read_row(v, how[V], base[V], first + 6 * stride, row, tile, extent, room)
    fill_ends(room.work, v_at, tile, -r.one)
    Dx_at = read_row(Dx, how[DX], base[DX], first + 3 * stride, row, tile, extent, room)
    Dx_north, Dx_south = Dx_at, Dx_at
    Dy_at = read_row(Dy, how[DY], base[DY], first + 7 * stride, row, tile, extent, room)
    if r.diffusivity_share is not None:
        Dx_north = read_row(Dx, how[DX], base[DX], first + 4 * stride, north, tile, extent, room)
        Dx_south = read_row(Dx, how[DX], base[DX], first + 5 * stride, south, tile, extent, room)
        fill_ends(room.work, Dy_at, tile, r.one)
    source_at = read_row(source, how[SOURCE], base[SOURCE], first + 8 * stride, row, tile, extent, room)
    old_at = read_row(old, how[OLD], base[OLD], first + 9 * stride, row, tile, extent, room)
    return Place(u_at, u_north, u_south, v_at, Dx_at, Dx_north, Dx_south, Dy_at, source_at, old_at, before, after)
