"""Several time steps of a tile in one pass over its rows.

Step s of row i needs step s-1 of rows i-1 to i+1. So a pass down the rows can make step 0 of row i, then step 1 of row
i-1, step 2 of row i-2, and so on: the coefficients of a row serve all steps while they are in the first-level cache.
Two levels are kept, H[k+1] written over H[k-1]. Where the rows are periodic the pass leaves s rows on each side of the
seam undone at step s; a second one closes them.

Every cell is made by the same formula from the same numbers whatever the tile, so tiles and threads change no bit.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from solver.compiling import kernel
from solver.cpu.copying import copy_run
from solver.cpu.layout import DIRICHLET, OPEN, PERIODIC
from solver.cpu.rows import Around, begin_row, sweep_row, update_row
from solver.cpu.sources import ask_ahead, load_now, place_fields
from solver.cpu.streaming import stream_run
from solver.cpu.tiles import end_row, fill_ends, first_row, plane_row, slot

GROUP = 2  # steps that follow each other row by row
BLOCK = 4  # rows that a group makes in turn


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
    """Find row i of the tile and the rows before and after it, in the level at offset `level`."""
    north, south = i - 1, i + 1
    if i == 0:
        north = tile.rows - 1 if tile.north == PERIODIC else 0
    if south == tile.rows:
        south = 0 if tile.south == PERIODIC else i
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
        if room.kept:
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
def advance(result, i, step, steps, tile, extent, room, one):
    """Make step `step` of the pass in row i from the kept coefficients; store the row after the last."""
    n = tile.columns
    level = room.plane if step & 1 else 0  # of H[k]
    here, other = slot(room, i), room.plane - level
    # Whole vectors: what lies beyond the end of a row is scratch, and its end cells are filled afterwards.
    whole = (n + room.lead - 1) // room.lead * room.lead
    sweep_row(room.c, here, room.work, here + other, room.work, around(i, level, tile, room), whole)
    fill_ends(room.work, here + other, tile, one)
    if step == steps - 1:
        skip = steps if tile.west == OPEN else 0
        width = n - skip - (steps if tile.east == OPEN else 0)
        to = result.at + plane_row(tile, i, extent.rows) * extent.columns + (tile.column + skip) % extent.columns
        store_row(result, result.now, to, room.work, here + other + skip, width)
        if result.keeps_old:
            store_row(result, result.old, to, room.work, here + level + skip, width)


@kernel(inline=True)
def close_seam(result, steps, tile, extent, room, r):
    """Where the rows are periodic, make what the pass has left undone beside the seam."""
    if tile.north == PERIODIC:
        for step in range(1, steps):
            for i in range(tile.rows - step, tile.rows + step):
                advance(result, i if i < tile.rows else i - tile.rows, step, steps, tile, extent, room, r.one)


@kernel(inline=True)
def pass_rows(result, sources, steps, ahead, tile, extent, room, r):
    """Make all steps in one pass; what is asked for in advance lies `ahead` rows further down than the pass is."""
    # The row before the first, the first, and where the pass begins at the second, that.
    for i in range(tile.rows - 1 if tile.north == PERIODIC else 0, tile.rows + (2 if tile.north == OPEN else 1)):
        load_now(sources, i if i < tile.rows else i - tile.rows, tile, extent, room, r)
    share = (6 + steps) // steps  # of the seven inputs, asked for beside each step
    for head in range(0, tile.rows + steps - 1, BLOCK):
        for group in range(0, steps, GROUP):
            for lead in range(head - group, head - group + BLOCK):
                for step in range(group, min(group + GROUP, steps)):
                    i = lead - (step - group)
                    if i < first_row(tile, step) or i >= end_row(tile, step):
                        continue
                    if i + ahead < tile.rows:
                        for which in range(share * step, min(7, share * (step + 1))):
                            ask_ahead(sources, which, plane_row(tile, i + ahead, extent.rows), tile, extent)
                    if step == 0:
                        begin(result, sources, i, steps, tile, extent, room, r)
                    else:
                        advance(result, i, step, steps, tile, extent, room, r.one)
    close_seam(result, steps, tile, extent, room, r)
