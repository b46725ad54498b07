"""K time steps of packs of small planes."""

from __future__ import annotations

from solver import stencil
from solver.compiling import kernel, point_function
from solver.cpu.flat import COEFFICIENTS, hold_wall, kept
from solver.cpu.lanes import (
    fields_at,
    five,
    inputs_of,
    load_pack,
    make_pack,
    open_pack,
    over_lanes,
)
from solver.cpu.layout import NOW, OLD, SOURCE
from solver.cpu.packing import write_pack
from solver.cpu.planes import LEVELS, STREAMED
from solver.cpu.pointers import keep_alive, pointer, seven
from solver.cpu.sharing import share_out
from solver.cpu.stack import make_stack, open_stack, plane_in
from solver.cpu.streaming import fence
from solver.cpu.transposing import LANES
from solver.cpu.vectors import take_widest
from solver.cpu.walls import let_be, over_walls
from solver.cpu.whole import stepped


@point_function
def step_lane(place, lane, arguments, r):
    """Make H[1] of a cell."""
    new, memory = arguments
    u, v, Dx, Dy, f = fields_at(place, lane, memory, r)
    H = five(memory[NOW], place, lane)
    new[place.at + lane] = stepped(stencil.assemble(u, v, Dx, Dy, f, r), (memory[OLD][place.at + lane], *H))


@kernel(apart=True, part=True)
def step_lanes(new, memory, extent, r):
    """Do so for a pack."""
    take_widest()
    over_lanes(step_lane, (new, memory), extent, r)


@point_function
def begin_lane(place, lane, arguments, r):
    """Make H[1] of a cell and keep its coefficients."""
    c, new, memory = arguments
    q = place.at + lane
    u, v, Dx, Dy, f = fields_at(place, lane, memory, r)
    made = stencil.assemble(u, v, Dx, Dy, f, r)
    c[0][q], c[1][q], c[2][q], c[3][q], c[4][q], c[5][q], c[6][q] = made
    new[q] = stepped(made, (memory[OLD][q], *five(memory[NOW], place, lane)))


@kernel(apart=True, part=True)
def begin_lanes(c, new, memory, extent, r):
    """Do so for a pack."""
    take_widest()
    over_lanes(begin_lane, (c, new, memory), extent, r)


@point_function
def sweep_lane(place, lane, arguments, r):
    """Make H[k+1] of a cell from kept coefficients."""
    new, c, now, old = arguments
    q = place.at + lane
    new[q] = stepped(kept(c, q), (old[q], *five(now, place, lane)))


@kernel(apart=True, part=True)
def sweep_lanes(new, c, now, old, extent, r):
    """Do so for a pack."""
    take_widest()
    over_lanes(sweep_lane, (new, c, now, old), extent, r)


@kernel(inline=True)
def go_on(c, made, first, before, new, extent, r):
    """Make all steps after the first, whose level is `first` + 1 of a stack; return pointers to H[K-1] and H[K]."""
    for k in range(2, extent.steps + 1):
        old, before, new = before, new, plane_in(made, first + k % LEVELS)
        sweep_lanes(new, c, before, old, extent, r)
    return before, new


@kernel()
def step_packs(now_out, old_out, arrays, table, ratios, extent, planes, span):
    """Make one step of all planes, in a span of packs; write H[1], and H[0] if `old_out` has room; no filter."""
    share_out(some_packs, (now_out, old_out, arrays, table, ratios, extent, planes, None), span)


@kernel()
def flat_packs(now_out, old_out, arrays, table, ratios, extent, planes, span):
    """Advance all planes by K > 1 steps, likewise; write H[K], and H[K-1] if `old_out` has room for it."""
    share_out(some_packs, (now_out, old_out, arrays, table, ratios, extent, planes, True), span)


@kernel(part=True)
def some_packs(now_out, old_out, arrays, table, ratios, extent, planes, several, first, last):
    """Do so for packs first..last-1; `several` is None for one step."""
    count, begin, end = extent.rows * extent.columns * LANES, first * LANES, min(last * LANES, planes)
    held = make_pack(arrays, count, now_out)
    store = make_stack(COEFFICIENTS + LEVELS, count, 0, now_out)
    pack, made = open_pack(arrays, table, extent, held), open_stack(store, count, 0)
    packs_in(pack, made, now_out, old_out, ratios, extent, several, begin, end)
    keep_alive(arrays, table, held, store)


@kernel(part=True)
def packs_in(pack, made, now_out, old_out, r, extent, several, first, last):
    """Do so for planes first..last-1, in the scratch that is given."""
    cells = extent.rows * extent.columns
    c, memory = seven(made.planes, 0, made.pitch), inputs_of(pack)
    out, kept_out, streamed = pointer(now_out, 0), pointer(old_out, 0), now_out.nbytes > STREAMED
    for p in range(first, last, LANES):
        load_pack(pack, p, first, last)
        before, new = memory[NOW], plane_in(made, COEFFICIENTS + 1)
        if several is None:
            step_lanes(new, memory, extent, r)
            over_walls(let_be, (new, memory[SOURCE]), LANES, extent)
        else:
            begin_lanes(c, new, memory, extent, r)
            over_walls(hold_wall, (c, new, memory[SOURCE]), LANES, extent)
            before, new = go_on(c, made, COEFFICIENTS, before, new, extent, r)
        write_pack(out, cells, new, pack.turning, p, last, streamed)
        if old_out.size:
            write_pack(kept_out, cells, before, pack.turning, p, last, False)
    fence()
