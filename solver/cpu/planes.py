"""K time steps of every plane of a batch, each plane done while it is in cache."""

from __future__ import annotations

from solver.compiling import kernel
from solver.cpu.copying import LINE, copy_run
from solver.cpu.inputs import Reach, look_ahead, make_notes, make_room, open_here, turn_to_plane, whole_row
from solver.cpu.layout import NOW, PERIODIC, SOURCE
from solver.cpu.march import March, Result, hold_plane, hold_values, later_steps, walled
from solver.cpu.pointers import keep_alive, pointer
from solver.cpu.sharing import share_out
from solver.cpu.streaming import fence
from solver.cpu.tiles import Tile, fill_ends, make_store, open_room, slot
from solver.cpu.whole import begin_plane, step_plane

LONGEST = 8  # steps in a pass
STREAMED = 16 * 2**20  # bytes of a result that is written past the caches: a last-level cache may hold a smaller one


@kernel()
def step_planes(now_out, old_out, arrays, table, ratios, extent, span):
    """Make one step of the planes of a span; write H[1], and H[0] if `old_out` has room for it; no filter."""
    share_out(step_some, (now_out, old_out, arrays, table, ratios, extent), span)


@kernel(part=True)
def step_some(now_out, old_out, arrays, table, ratios, extent, first, last):
    """Do so for planes first..last-1."""
    rows, columns, (north, south, west, east) = extent.rows, extent.columns, extent.sides
    tile = Tile(0, 0, rows, columns, north, south, west, east)
    constants, notes = make_room(columns, now_out), make_notes()
    here = open_here(arrays, table, columns, constants, notes)
    store = make_store(columns, rows, extent.steps, now_out)
    step_in(store, now_out, old_out, arrays, table, here, constants, tile, ratios, extent, first, last)
    keep_alive(constants, notes)


@kernel(part=True)
def step_in(store, now_out, old_out, arrays, table, here, constants, tile, ratios, extent, first, last):
    """Do so in the scratch that is given, straight into the result unless that is streamed."""
    out, kept, columns = pointer(now_out, 0), pointer(old_out, 0), extent.columns
    cells, walls = extent.rows * columns, walled(tile)
    streamed = now_out.nbytes > STREAMED and not walls
    plane = pointer(store, 0)
    # Beyond the last row begins another plane, perhaps another thread's.
    inside = max(0, (cells - whole_row(extent)) // columns + 1)
    for p in range(first, last):
        reach = turn_to_plane(here, arrays, table, p, extent, constants)
        reach = Reach(reach.before, reach.first, min(reach.last, inside))
        streams = look_ahead(here, arrays, table, min(p + 1, last - 1))
        new = plane if streamed else pointer(out, p * cells)
        step_plane(new, out, p * cells, streamed, here, reach, streams, extent, ratios)
        for i in range(extent.rows):
            at, row = p * cells + i * columns, here.at[SOURCE] + i * here.pitch[SOURCE]
            if walls:
                hold_values(out, at, here.memory[SOURCE], row, i, tile)
            if old_out.size:
                copy_run(kept, at, here.memory[NOW], here.at[NOW] + i * here.pitch[NOW], columns)
    fence()


@kernel()
def march_planes(now_out, old_out, arrays, table, ratios, extent, span):
    """Advance the planes of a span by K > 1 steps; write H[K], and H[K-1] if `old_out` has room for it; no filter."""
    share_out(march_some, (now_out, old_out, arrays, table, ratios, extent), span)


@kernel(part=True)
def march_some(now_out, old_out, arrays, table, ratios, extent, first, last):
    """Do so for planes first..last-1."""
    rows, columns, (north, south, west, east) = extent.rows, extent.columns, extent.sides
    tile = Tile(0, 0, rows, columns, north, south, west, east)
    constants, notes = make_room(columns, now_out), make_notes()
    here = open_here(arrays, table, columns, constants, notes)
    store = make_store(columns, rows, extent.steps, now_out)
    march_in(store, now_out, old_out, arrays, table, here, constants, tile, ratios, extent, first, last)
    keep_alive(constants, notes)


@kernel(part=True)
def march_in(store, now_out, old_out, arrays, table, here, constants, tile, ratios, extent, first, last):
    """Do so in the scratch that is given."""
    room = open_room(store, extent.columns, extent.rows, extent.steps)
    # Rows that are not made of whole cache lines would be written in parts.
    streamed = now_out.nbytes > STREAMED and extent.columns * extent.itemsize % LINE == 0
    # On a periodic plane the triangles beside the seam must not meet.
    longest = min(LONGEST, extent.rows // 2 + 1) if tile.north == PERIODIC else LONGEST
    for p in range(first, last):
        reach = turn_to_plane(here, arrays, table, p, extent, constants)
        streams = look_ahead(here, arrays, table, min(p + 1, last - 1))
        begin_plane(room.c, room.work, here, reach, streams, extent, room, ratios)
        if walled(tile):
            hold_plane(here, tile, room)
        for i in range(extent.rows):
            fill_ends(room.work, slot(room, i) + room.plane, tile, ratios.one)
        at = p * extent.rows * extent.columns
        result = Result(pointer(now_out, 0), pointer(old_out, 0), old_out.size > 0, at, streamed)
        begun = 1
        while begun < extent.steps:
            steps = min(longest, extent.steps - begun)
            march = March(begun, steps, begun + steps == extent.steps)
            later_steps(result, march, tile, extent, room, ratios)
            begun += steps
    fence()
