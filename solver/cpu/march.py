"""Several time steps of a tile in one pass over its rows.

Step s of row i needs step s-1 of rows i-1 to i+1. So a pass down the rows can make step 0 of some rows, then step 1 of
those one higher up, step 2 of those two higher up, and so on: the coefficients of a row serve all steps while they are
in the second-level cache. Two levels are kept, H[k+1] written over H[k-1]. Beyond an open side, the edge of a periodic
plane among them, the tile has rows enough for all steps.

Every cell is made by the same formula from the same numbers whatever the tile, so tiles and threads change no bit.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from solver.compiling import kernel
from solver.cpu.copying import copy_run
from solver.cpu.layout import DIRICHLET, OPEN
from solver.cpu.rows import Around, begin_row, sweep_row, update_row
from solver.cpu.sources import load_now, place_fields
from solver.cpu.streaming import stream_run
from solver.cpu.tiles import end_row, fill_ends, first_row, plane_row, slot

BLOCK = 4  # rows that a step makes in one loop


class Result(NamedTuple):
    """Where the result goes."""

    now: Any
    "pointer to H[K]"
    old: Any
    "pointer to H[K-1]"
    keeps_old: bool
    "whether H[K-1] is stored as well"
    at: int
    "offset of the plane in both"
    streams: bool
    "whether rows are stored past the caches"


@kernel(inline=True)
def around(i, level, tile, room):
    """Find row i of the tile and the rows before and after it, itself beyond a wall, in the level at offset `level`."""
    north, south = max(i - 1, 0), min(i + 1, tile.rows - 1)
    return Around(level + slot(room, i), level + slot(room, north), level + slot(room, south))


@kernel(inline=True)
def walled(tile):
    """Whether any side is a Dirichlet wall."""
    return tile.north == DIRICHLET or tile.south == DIRICHLET or tile.west == DIRICHLET or tile.east == DIRICHLET


@kernel(inline=True)
def wall_columns(i, tile):
    """Return from which column on, and how far apart, cells of row i of the tile may lie on Dirichlet walls."""
    whole = (i == 0 and tile.north == DIRICHLET) or (i == tile.rows - 1 and tile.south == DIRICHLET)
    if whole or tile.west == DIRICHLET:
        return 0, 1 if whole else (max(1, tile.columns - 1) if tile.east == DIRICHLET else tile.columns)
    return tile.columns - 1 if tile.east == DIRICHLET else tile.columns, tile.columns


@kernel(part=True)
def hold_values(new, new_at, f, f_at, i, tile):
    """On Dirichlet walls let H[k+1] be what the source holds there."""
    first, step = wall_columns(i, tile)
    for j in range(first, tile.columns, step):
        new[new_at + j] = f[f_at + j]


@kernel(part=True)
def hold_coefficients(c, c_at, f, f_at, i, tile):
    """There let all coefficients but the forcing be zero."""
    first, step = wall_columns(i, tile)
    for j in range(first, tile.columns, step):
        for m in range(6):
            c[m][c_at + j] = 0
        c[6][c_at + j] = f[f_at + j]


@kernel(inline=True)
def begin(result, sources, i, steps, tile, extent, room, r):
    """Make the first step of row i from the inputs, and keep the coefficients if there are more."""
    n = tile.columns
    if i + 1 < tile.rows:
        load_now(sources, i + 1, tile, extent, room, r)
    now, here = around(i, room.lead - room.lead, tile, room), slot(room, i)
    place = place_fields(sources, i, tile, extent, room, r)
    if steps == 1:
        new, new_at = result.now, result.at + plane_row(tile, i, extent.rows) * extent.columns + tile.column
        update_row(new, new_at, room.work, now, sources.old_field, sources.fields, place, n, r)
        if result.keeps_old:
            copy_run(result.old, new_at, room.work, here, n)
    else:
        new, new_at = room.work, here + room.plane
        begin_row(room.c, here, new, new_at, room.work, now, sources.old_field, sources.fields, place, n, r)
    if walled(tile):
        hold_values(new, new_at, sources.fields[4], place.source, i, tile)
        if steps > 1:
            hold_coefficients(room.c, here, sources.fields[4], place.source, i, tile)
    if steps > 1:
        fill_ends(room.work, new_at, tile, r.one)


@kernel(inline=True)
def store_row(result, target, to, source, start, count):
    """Write a row of the result."""
    if result.streams:
        stream_run(target, to, source, start, count)
    else:
        copy_run(target, to, source, start, count)


@kernel(inline=True)
def lies_within(i, tile, room):
    """Whether the rows before and after row i lie beside it in the ring; row 0 lies at the start of it."""
    return i < tile.rows - 1 and 0 < i & room.mask < room.mask


@kernel(inline=True)
def sweep_rows(first, end, level, tile, room):
    """Make H[k+1] of rows first..end-1 from H[k] at offset `level`; rows side by side in the ring are one loop."""
    n, other = tile.columns, room.plane - level
    # Whole vectors: what lies beyond the end of a row is scratch, and its end cells are filled afterwards.
    whole = (n + room.lead - 1) // room.lead * room.lead
    i = first
    while i < end:
        after = i + 1
        if lies_within(i, tile, room):
            while after < end and lies_within(after, tile, room):
                after += 1
        here, count = slot(room, i), (after - i - 1) * room.stride + whole
        sweep_row(room.c, here, room.work, here + other, room.work, around(i, level, tile, room), count)
        i = after


@kernel(inline=True)
def advance(result, head, step, steps, tile, extent, room, one):
    """Make step `step` of a block of rows, so many above `head`, from the kept coefficients; store the last step's."""
    first, end = max(head - step, first_row(tile, step)), min(head - step + BLOCK, end_row(tile, step))
    level = room.plane if step & 1 else 0  # of H[k]
    sweep_rows(first, end, level, tile, room)
    for i in range(first, end):
        here = slot(room, i)
        fill_ends(room.work, here + room.plane - level, tile, one)
        if step == steps - 1:
            store(result, i, here + room.plane - level, here + level, steps, tile, extent, room)


@kernel(inline=True)
def store(result, i, now, old, steps, tile, extent, room):
    """Store row i of the result from where it lies in the ring."""
    skip = steps if tile.west == OPEN else 0
    width = tile.columns - skip - (steps if tile.east == OPEN else 0)
    to = result.at + plane_row(tile, i, extent.rows) * extent.columns + (tile.column + skip) % extent.columns
    store_row(result, result.now, to, room.work, now + skip, width)
    if result.keeps_old:
        store_row(result, result.old, to, room.work, old + skip, width)


@kernel(inline=True)
def pass_rows(result, sources, steps, tile, extent, room, r):
    """Make all steps in one pass."""
    for i in range(first_row(tile, 0) + 1):  # each step loads the row after its own
        load_now(sources, i, tile, extent, room, r)
    for head in range(0, tile.rows + steps - 1, BLOCK):
        for i in range(max(head, first_row(tile, 0)), min(head + BLOCK, end_row(tile, 0))):
            begin(result, sources, i, steps, tile, extent, room, r)
        for step in range(1, steps):
            advance(result, head, step, steps, tile, extent, room, r.one)
