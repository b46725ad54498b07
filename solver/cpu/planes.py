"""K time steps of every plane of a batch, each plane done while it is in cache."""

from __future__ import annotations

from solver.compiling import kernel
from solver.cpu.layout import PERIODIC
from solver.cpu.march import March, Result, pass_rows
from solver.cpu.pointers import pointer
from solver.cpu.sources import look_ahead, make_notes, open_sources, turn_to
from solver.cpu.tiles import Tile, make_store, open_room

LONGEST = 8  # steps in a pass


@kernel()
def march_planes(now_out, old_out, arrays, table, ratios, extent, first, last):
    """Advance planes first..last-1; write H[K], and H[K-1] if `old_out` has room for it; K >= 1, no filter."""
    store = make_store(extent.columns, extent.rows, extent.steps, now_out)
    march_in(store, make_notes(), now_out, old_out, arrays, table, ratios, extent, first, last)


@kernel(part=True)
def march_in(store, notes, now_out, old_out, arrays, table, ratios, extent, first, last):
    """Do so in the scratch that is given."""
    rows, columns, (north, south, west, east) = extent.rows, extent.columns, extent.sides
    tile = Tile(0, 0, rows, columns, north, south, west, east)
    room = open_room(store, columns, rows, extent.steps)
    sources = open_sources(notes, arrays, table, tile, extent, room, ratios)
    # On a periodic plane the triangles beside the seam must not meet.
    longest = min(LONGEST, rows // 2 + 1) if extent.sides[0] == PERIODIC else LONGEST
    for p in range(first, last):
        turn_to(sources, arrays, table, p, tile, room)
        result = Result(pointer(now_out, 0), pointer(old_out, 0), old_out.size > 0, p * rows * columns, False)
        look_ahead(sources, arrays, table, p + 1 if p + 1 < last else -1)
        begun = 0
        while begun < extent.steps:
            steps = min(longest, extent.steps - begun)
            march = March(begun, steps, begun + steps == extent.steps)
            pass_rows(result, sources, march, 0, tile, extent, room, ratios)
            begun += steps
            look_ahead(sources, arrays, table, -1)
