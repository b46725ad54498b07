"""The adjoint of K steps of the published forms, of packs of small planes.

The same as `solver.cpu.adjoint` does with one plane at a time, with the same formulas in the same order: its results
are the same, bit by bit.
"""

from __future__ import annotations

from solver import stencil
from solver.compiling import kernel, point_function
from solver.cpu.adjoint import multiply
from solver.cpu.adjoint_fields import Summed, fields_of_sums, parts_of_fields, release_wall
from solver.cpu.adjoint_scratch import group_at, level_at, make_scratch, open_scratch
from solver.cpu.adjoint_sums import GROUP, slots_of_group, sum_so_far, sums_of
from solver.cpu.adjoint_sweep import EAST, NORTH, SOUTH, WEST
from solver.cpu.flat import hold_wall
from solver.cpu.lanes import (
    finish_pack,
    five,
    inputs_of,
    load_pack,
    make_pack,
    open_pack,
    over_lanes,
)
from solver.cpu.lanes_forward import begin_lanes, sweep_lanes
from solver.cpu.layout import DX, DY, NOW, OLD, SOURCE, U, V
from solver.cpu.packing import pack_planes
from solver.cpu.pointers import keep_alive, pointer, seven
from solver.cpu.sharing import share_out
from solver.cpu.stack import make_stack, open_stack, plane_in
from solver.cpu.storing import GRADIENTS, add_run, wants_fields
from solver.cpu.streaming import fence
from solver.cpu.transposing import LANES
from solver.cpu.vectors import take_widest
from solver.cpu.walls import over_walls


@point_function
def pull_lane(place, lane, arguments, r):
    """Make dL/dH[k] of a cell; beyond a wall it receives by its own coefficient."""
    made, c, pitch, lam, later = arguments
    q = place.at + lane
    north = SOUTH * pitch + place.north if place.of_north > 0 else NORTH * pitch + place.at
    south = NORTH * pitch + place.south if place.of_south > 0 else SOUTH * pitch + place.at
    west = EAST * pitch + place.west if place.of_west > 0 else WEST * pitch + place.at
    east = WEST * pitch + place.east if place.of_east > 0 else EAST * pitch + place.at
    point = (
        c[q],
        c[pitch + q],
        c[north + lane],
        c[south + lane],
        c[west + lane],
        c[east + lane],
        r.one - r.one,
    )
    H, H_north, H_south, H_west, H_east = five(lam, place, lane)
    made[q] = stencil.step(point, later[q], H, H_north, H_south, H_west, H_east)


@kernel(apart=True, part=True)
def pull_lanes(made, c, pitch, lam, later, extent, r):
    """Do so for a pack; `lam` and `later` are dL/dH[k+1] and dL/dH[k+2]."""
    take_widest()
    over_lanes(pull_lane, (made, c, pitch, lam, later), extent, r)


@point_function
def levels_at(group, place, lane):
    """Return a cell and its neighbours in the levels of a group but the first."""
    _, a, b, c, d, e = group.levels
    return five(a, place, lane), five(b, place, lane), five(c, place, lane), five(d, place, lane), five(e, place, lane)


@point_function
def accumulate_lane(place, lane, arguments, r):
    """Add the sums of a group of steps in a cell."""
    to, sums, groups, group = arguments
    q = place.at + lane
    found = sum_so_far(sums, groups, group, q, levels_at(group, place, lane))
    to[0][q], to[1][q], to[2][q], to[3][q], to[4][q], to[5][q], to[6][q] = found


@kernel(apart=True, part=True)
def accumulate_lanes(to, sums, groups, group, extent, r):
    """Do so for a pack."""
    take_widest()
    over_lanes(accumulate_lane, (to, sums, groups, group), extent, r)


@point_function
def fields_lane(place, lane, arguments, r):
    """Write what a cell has to give: see `solver.cpu.adjoint_fields`."""
    to, summed = arguments
    q = place.at + lane
    made = fields_of_sums(summed, q, levels_at(summed.group, place, lane), r)
    to[0][q], to[1][q], to[2][q], to[3][q], to[4][q], to[5][q] = made


@kernel(apart=True, part=True)
def fields_lanes(to, summed, extent, r):
    """Do so for a pack."""
    take_widest()
    over_lanes(fields_lane, (to, summed), extent, r)


@point_function
def velocities_lane(place, lane, arguments, r):
    """Write the gradients of u and v of a cell."""
    to_u, to_v, of_u, of_v, centre = arguments
    q = place.at + lane
    _, north, south, west, east = five(centre, place, lane)
    to_u[q] = r.x * (of_u[q] + (south - north))
    to_v[q] = r.y * (of_v[q] + (east - west))


@kernel(apart=True, part=True)
def velocities_lanes(to_u, to_v, of_u, of_v, centre, extent, r):
    """Do so for a pack."""
    take_widest()
    over_lanes(velocities_lane, (to_u, to_v, of_u, of_v, centre), extent, r)


@kernel(part=True)
def fields_of_pack(g, scratch, groups, group, memory, extent, r):
    """Add a last group to the sums over `groups` others, and write the gradients of the five fields."""
    summed = Summed(sums_of(scratch.sums, groups), groups, group, scratch.flat.c, memory[DX], memory[DY])
    to = parts_of_fields(g, scratch.sums)
    fields_lanes(to, summed, extent, r)
    over_walls(release_wall, (to, summed, r.one - r.one), LANES, extent)
    of_u, of_v, _, _, _, centre = to
    velocities_lanes(g[U], g[V], of_u, of_v, centre, extent, r)


@kernel(part=True)
def sum_steps(g, scratch, memory, extent, r):
    """Sum the gradients of all steps, and go on to those of the fields."""
    done, groups, sums = extent.steps, 0, scratch.sums
    while done > 0:
        count = min(GROUP, done)
        done -= count
        group = group_at(scratch, memory, slots_of_group(done, count, extent.steps + 2), 0)
        if done > 0:
            accumulate_lanes(sums_of(sums, groups + 1), sums_of(sums, groups), groups, group, extent, r)
            groups += 1
        else:
            fields_of_pack(g, scratch, groups, group, memory, extent, r)


@kernel()
def adjoint_packs(targets, cotangents, batch, ratios, extent, planes, span):
    """Pull the cotangents of H[K] and H[K-1] (empty: zero) back to the inputs of all planes, in a span of packs."""
    share_out(some_packs, (targets, cotangents, batch, ratios, extent, planes), span)


@kernel(part=True)
def some_packs(targets, cotangents, batch, ratios, extent, planes, first, last):
    """Do so for packs first..last-1."""
    (arrays, table), like, count = batch, cotangents[0], extent.rows * extent.columns * LANES
    held, store = make_pack(arrays, count, like), make_scratch(extent.steps, 1, count, 0, like)
    pack, scratch = open_pack(arrays, table, extent, held), open_scratch(store, extent.steps, 1, count, 0)
    made = make_stack(GRADIENTS, count, 0, like)
    gradients = open_stack(made, count, 0)
    g = seven(gradients.planes, 0, gradients.pitch)
    packs_in(scratch, g, targets, cotangents, pack, ratios, extent, first * LANES, min(last * LANES, planes))
    keep_alive(batch, store, held, made)


@kernel(part=True)
def packs_in(scratch, g, targets, cotangents, pack, r, extent, first, last):
    """Do so for planes first..last-1, in the scratch that is given."""
    of_now, of_old = pointer(cotangents[0], 0), pointer(cotangents[1], 0)
    steps, count = extent.steps, extent.rows * extent.columns * LANES
    flat, lams, any_field = scratch.flat, scratch.lams, wants_fields(targets)
    memory, given, pitch = inputs_of(pack), plane_in(lams, steps), lams.pitch
    for p in range(first, last, LANES):
        load_pack(pack, p, first, last)
        pack_planes(given, pack.turning, of_now, p, last)
        begin_lanes(flat.c, plane_in(flat.levels, 2), memory, extent, r)
        over_walls(hold_wall, (flat.c, plane_in(flat.levels, 2), memory[SOURCE]), LANES, extent)
        for k in range(1, steps - 1):
            now, old = level_at(scratch, memory, 0, k + 1), level_at(scratch, memory, 0, k)
            sweep_lanes(plane_in(flat.levels, k + 2), flat.c, now, old, extent, r)
        for k in range(steps - 1, -1, -1):
            to = g[NOW] if k == 0 else plane_in(lams, k)
            pull_lanes(to, flat.c[0], pitch, plane_in(lams, k + 1), plane_in(lams, k + 2), extent, r)
            if k == steps - 1 and cotangents[1].size:
                pack_planes(pack.turning.room, pack.turning, of_old, p, last)
                add_run(to, 0, pack.turning.room, 0, count)
        if any_field:
            sum_steps(g, scratch, memory, extent, r)
        multiply(g[OLD], flat.c[0], plane_in(lams, 1), count)
        finish_pack(g, targets, pack, p, last, True, r.one - r.one)
    fence()
