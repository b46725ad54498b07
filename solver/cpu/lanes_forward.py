"""K time steps of groups of small planes, side by side."""

from __future__ import annotations

from solver import stencil
from solver.compiling import kernel, point_function
from solver.cpu import plane
from solver.cpu.flat import COEFFICIENTS, hold_cell, kept
from solver.cpu.lanes import (
    fields_at,
    five,
    inputs_of,
    load_group,
    make_aside,
    open_aside,
    over_lanes,
    write_group,
)
from solver.cpu.layout import NOW, OLD, SOURCE
from solver.cpu.planes import STREAMED
from solver.cpu.pointers import keep_alive, pointer, seven
from solver.cpu.sharing import share_out
from solver.cpu.stack import cells_of_stack, make_stacks, open_stack, plane_in
from solver.cpu.streaming import fence
from solver.cpu.turning import LANES
from solver.cpu.vectors import take_widest
from solver.cpu.whole import stepped

LEVELS = 3


@point_function
def step_lane(place, lane, arguments, r):
    """Make H[1] of a cell."""
    new, memory = arguments
    u, v, Dx, Dy, f = fields_at(place, lane, memory, r)
    H = five(memory[NOW], place, lane)
    new[place.at + lane] = stepped(stencil.assemble(u, v, Dx, Dy, f, r), (memory[OLD][place.at + lane], *H))


@kernel(apart=True, part=True)
def step_aside(new, memory, extent, r):
    """Do so for a group."""
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
def begin_aside(c, new, memory, extent, r):
    """Do so for a group."""
    take_widest()
    over_lanes(begin_lane, (c, new, memory), extent, r)


@point_function
def sweep_lane(place, lane, arguments, r):
    """Make H[k+1] of a cell from kept coefficients."""
    new, c, now, old = arguments
    q = place.at + lane
    new[q] = stepped(kept(c, q), (old[q], *five(now, place, lane)))


@kernel(apart=True, part=True)
def sweep_aside(new, c, now, old, extent, r):
    """Do so for a group."""
    take_widest()
    over_lanes(sweep_lane, (new, c, now, old), extent, r)


@kernel(part=True)
def hold_aside(c, new, f, extent, held):
    """On Dirichlet walls let the new level, and if `held` the update, be the value that the source holds there."""
    rows, n = extent.rows, extent.columns
    for i in range(rows):
        for j in range(0, n, plane.wall_stride(i + 1, rows, n, extent.sides)):
            if plane.on_wall(i + 1, j + 1, rows, n, extent.sides):
                for q in range((i * n + j) * LANES, (i * n + j + 1) * LANES):
                    if held:
                        hold_cell(c, new, q, f[q])
                    else:
                        new[q] = f[q]


@kernel()
def step_groups(now_out, old_out, arrays, table, ratios, extent, planes, span):
    """Make one step of all planes, in a span of groups; write H[1], and H[0] if `old_out` has room; no filter."""
    share_out(some_groups, (now_out, old_out, arrays, table, ratios, extent, planes, None), span)


@kernel()
def flat_groups(now_out, old_out, arrays, table, ratios, extent, planes, span):
    """Advance all planes by K > 1 steps, likewise; write H[K], and H[K-1] if `old_out` has room for it."""
    share_out(some_groups, (now_out, old_out, arrays, table, ratios, extent, planes, True), span)


@kernel(part=True)
def some_groups(now_out, old_out, arrays, table, ratios, extent, planes, several, first, last):
    """Do so for groups first..last-1; `several` is None for one step."""
    count, begin, end = extent.rows * extent.columns * LANES, first * LANES, min(last * LANES, planes)
    held = make_aside(arrays, count, now_out)
    store = make_stacks(cells_of_stack(COEFFICIENTS + LEVELS, 0, count, now_out.itemsize), now_out)
    aside, made = open_aside(arrays, table, extent, held), open_stack(store, 0, COEFFICIENTS + LEVELS, 0, count)
    groups_in(aside, made, now_out, old_out, ratios, extent, several, begin, end)
    keep_alive(arrays, table, held, store)


@kernel(part=True)
def groups_in(aside, made, now_out, old_out, r, extent, several, first, last):
    """Do so for planes first..last-1, in the scratch that is given."""
    cells, steps, walls = extent.rows * extent.columns, extent.steps, plane.has_walls(extent.sides)
    c, memory = seven(made.planes, 0, made.pitch), inputs_of(aside)
    out, kept_out, streamed = pointer(now_out, 0), pointer(old_out, 0), now_out.nbytes > STREAMED
    for p in range(first, last, LANES):
        load_group(aside, p, first, last)
        before, new = memory[NOW], plane_in(made, COEFFICIENTS + 1)
        if several is None:
            step_aside(new, memory, extent, r)
        else:
            begin_aside(c, new, memory, extent, r)
        if walls:
            hold_aside(c, new, memory[SOURCE], extent, several is not None)
        if several is not None:
            for k in range(2, steps + 1):
                old, before, new = before, new, plane_in(made, COEFFICIENTS + k % LEVELS)
                sweep_aside(new, c, before, old, extent, r)
        write_group(out, cells, new, aside, p, last, streamed)
        if old_out.size:
            write_group(kept_out, cells, before, aside, p, last, False)
    fence()
