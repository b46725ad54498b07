"""K time steps of planes that no cache holds: several steps for each passage through memory.

One sweep moves eight words a cell, reads of H[k-1], H[k], u, v, Dx, Dy, f and a write, so a single-sweep loop is bound
by memory. Here each passage makes `DEPTH` steps: a plane is cut into strips of rows, and if it is wide into tiles of
columns, and a thread marches down a strip with a ring of a few rows in its second-level cache. Strips overlap by as
many cells as a passage makes steps; these are made twice, by the same formula.
"""

from __future__ import annotations

from math import ceil
from typing import Any, NamedTuple

import numpy as np

from solver.compiling import kernel
from solver.cpu.copying import prefetch
from solver.cpu.layout import OPEN, PERIODIC, Batch, Extent
from solver.cpu.march import BLOCK, Result, pass_rows
from solver.cpu.pointers import pointer
from solver.cpu.scan import INFINITE, INTEGERS, MAGNITUDE, largest_of, words_of
from solver.cpu.sharing import share_out
from solver.cpu.sources import make_notes, open_sources, turn_to
from solver.cpu.streaming import fence
from solver.cpu.threads import Team, share
from solver.cpu.tiles import Tile, make_store, open_room
from solver.records import Array, Levels, Ratios

DEPTH = 16  # steps in a passage: of 4, 8 and 16 the fastest at 1024^2 and 4096^2
WIDTH = 512  # columns of a tile: the ring of rows, a few more than DEPTH, then stays within a second-level cache
STREAMED = 1 * 2**20  # bytes of a result that no cache keeps until it is read again
AHEAD = 3  # rows further down that a look asks for in advance
LEAST = 2  # a strip has at least so many times DEPTH rows


class Cut(NamedTuple):
    """How planes are cut: this many strips of rows by this many tiles of columns."""

    strips: int
    tiles: int

    @classmethod
    def of(cls, extent: Extent, team: Team) -> Cut:
        """Cut into tiles of about WIDTH, and into a strip for each thread if they stay long enough."""
        tiles = ceil(extent.columns / WIDTH) if extent.columns >= 2 * WIDTH and extent.steps > 1 else 1
        return cls(max(1, min(team.size, extent.rows // (LEAST * DEPTH))), tiles)


class Look(NamedTuple):
    """A look at the result for values that are not finite, by the thread that has just made them; see `cpu.scan`."""

    largest: Array
    "the largest magnitude in each part; of size 0: there is no look"
    words: Array
    "H[K] as integers"
    magnitude: Any


def march_batch(
    now: Array,
    old: Array,
    batch: Batch,
    ratios: Ratios,
    extent: Extent,
    planes: int,
    team: Team,
    room: Levels | None = None,
    looks: bool = False,
) -> bool:
    """Advance all planes; write H[K] into `now`, and H[K-1] into `old` if that has room for it; K >= 1, no filter.

    The levels between two passages are kept in `room`, or in fresh memory. Return whether H[K] is finite, if `looks`.
    """
    depth = min(DEPTH, extent.rows, extent.columns)
    passages = ceil(extent.steps / depth)
    levels = [(now, old if old.size or passages < 3 else np.empty_like(now))]
    if passages > 1:
        levels.append(room or (np.empty_like(now), np.empty_like(now)))
    done, kind = 0, now.dtype
    blind = Look(np.zeros(0, INTEGERS[kind]), words_of(now), MAGNITUDE[kind])
    for passage in range(passages):
        left = passages - passage - 1
        steps = ceil((extent.steps - done) / (left + 1))
        part = extent._replace(steps=steps, unfiltered=steps)
        target = (now, old) if left == 0 else levels[left % 2]
        cut = Cut.of(part, team)
        parts = planes * cut.strips * cut.tiles
        look = blind._replace(largest=np.zeros(parts, INTEGERS[kind])) if looks and left == 0 else blind
        share(march_strips, (*target, *batch, ratios, part, cut, look), parts, team)
        batch, done = batch.with_levels(*target, extent), done + steps
    return not looks or bool(look.largest.max() < INFINITE[kind])


@kernel(inline=True)
def cut_axis(size, parts, part, halo, before, after):
    """Return first cell, cells and sides of part `part` of an axis, with the halo beyond its open sides."""
    first, end = size * part // parts, size * (part + 1) // parts
    if before == PERIODIC or part > 0:
        first, before = first - halo, OPEN
    if after == PERIODIC or part < parts - 1:
        end, after = end + halo, OPEN
    return first, end - first, before, after


@kernel()
def march_strips(now_out, old_out, arrays, table, ratios, extent, cut, look, span):
    """Make the steps of one passage in a span of parts, counted over planes, tiles and strips."""
    share_out(march_some, (now_out, old_out, arrays, table, ratios, extent, cut, look), span)


@kernel(part=True)
def march_some(now_out, old_out, arrays, table, ratios, extent, cut, look, first, last):
    """Do so for parts first..last-1."""
    columns = extent.columns // cut.tiles + 1 + 2 * extent.steps
    ring = 1
    while ring < extent.steps + BLOCK + 1:
        ring *= 2
    store = make_store(columns, ring, extent.steps, now_out)
    strips_in(store, ring, make_notes(), now_out, old_out, arrays, table, ratios, extent, cut, look, first, last)


@kernel(part=True)
def strips_in(store, ring, notes, now_out, old_out, arrays, table, ratios, extent, cut, look, first, last):
    """Do so in the scratch that is given."""
    steps, (n, s, w, e) = extent.steps, extent.sides
    for part in range(first, last):
        p, rest = divmod(part, cut.strips * cut.tiles)
        row, rows, north, south = cut_axis(extent.rows, cut.strips, rest % cut.strips, steps, n, s)
        column, columns, west, east = 0, extent.columns, w, e
        if cut.tiles > 1:
            column, columns, west, east = cut_axis(extent.columns, cut.tiles, rest // cut.strips, steps, w, e)
        tile = Tile(row, column, rows, columns, north, south, west, east)
        room = open_room(store, columns, ring, steps)
        sources = open_sources(notes, arrays, table, tile, extent, room, ratios)
        turn_to(sources, arrays, table, p, tile, room)
        at = p * extent.rows * extent.columns
        result = Result(pointer(now_out, 0), pointer(old_out, 0), old_out.size > 0, at, now_out.nbytes > STREAMED)
        pass_rows(result, sources, steps, tile, extent, room, ratios)
        if look.largest.size:
            fence()
            look_at_part(look, part, p, rest, extent, cut)
    fence()


@kernel(part=True)
def look_at_part(look, part, p, rest, extent, cut):
    """Keep the largest magnitude of a part of plane p."""
    strip, tile = rest % cut.strips, rest // cut.strips
    column, end = extent.columns * tile // cut.tiles, extent.columns * (tile + 1) // cut.tiles
    for i in range(extent.rows * strip // cut.strips, extent.rows * (strip + 1) // cut.strips):
        at = (p * extent.rows + i) * extent.columns
        prefetch(look.words, at + AHEAD * extent.columns + column, end - column)
        look.largest[part] = max(look.largest[part], largest_of(look.words[at + column : at + end], look.magnitude))
