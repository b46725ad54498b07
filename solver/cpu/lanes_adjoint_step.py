"""The adjoint of one step of the published forms, of groups of small planes, side by side."""

from __future__ import annotations

from solver import stencil
from solver.compiling import kernel, point_function
from solver.cpu import plane
from solver.cpu.adjoint_step import weigh, write
from solver.cpu.copying import copy_run
from solver.cpu.lanes import (
    fields_at,
    finish_group,
    five,
    inputs_of,
    load_group,
    make_aside,
    open_aside,
    over_lanes,
    put_aside,
)
from solver.cpu.layout import DX, DY, NOW, OLD, SOURCE
from solver.cpu.pointers import keep_alive, pointer, seven
from solver.cpu.sharing import share_out
from solver.cpu.stack import cells_of_stack, make_stacks, open_stack, plane_in
from solver.cpu.storing import add_run
from solver.cpu.streaming import fence
from solver.cpu.tiles import fill_run
from solver.cpu.turning import LANES
from solver.cpu.vectors import take_widest

LAM, W, INVERSE, PLANES = 7, 8, 9, 10  # planes behind the gradients


@point_function
def pull_lane(place, lane, arguments, r):
    """Write the gradients of the seven inputs of a cell."""
    g, memory, w, inverse, joined = arguments
    q, north, south = place.at + lane, place.north + lane, place.south + lane
    Dx, Dy = memory[DX], memory[DY]
    u, v, _, _, f = fields_at(place, lane, memory, r)
    made = stencil.published_step_adjoint(
        five(memory[NOW], place, lane),
        five(w, place, lane),
        u,
        v,
        (Dx[q], Dx[north], Dx[south]),
        (Dy[q], Dy[place.west + lane], Dy[place.east + lane]),
        memory[OLD][q],
        f,
        inverse[q],
        r,
    )
    write(g, q, made, joined)


@kernel(apart=True, part=True)
def pull_aside(g, memory, w, inverse, joined, extent, r):
    """Do so for a group."""
    take_widest()
    over_lanes(pull_lane, (g, memory, w, inverse, joined), extent, r)


@kernel(part=True)
def clear_walls(to, extent, zero):
    """Set the cells on Dirichlet walls to zero."""
    for q in range(extent.rows * extent.columns):
        if plane.on_wall(q // extent.columns + 1, q % extent.columns + 1, extent.rows, extent.columns, extent.sides):
            fill_run(to, q * LANES, LANES, zero)


@kernel(part=True)
def release_walls(to, lam, joined, extent):
    """On Dirichlet walls let the gradient of the source be lam, or add that to the one of three inputs."""
    for q in range(extent.rows * extent.columns):
        if plane.on_wall(q // extent.columns + 1, q % extent.columns + 1, extent.rows, extent.columns, extent.sides):
            if joined is None:
                copy_run(to, q * LANES, lam, q * LANES, LANES)
            else:
                add_run(to, q * LANES, lam, q * LANES, LANES)


@kernel()
def adjoint_step_groups(targets, cotangents, batch, ratios, extent, joined, planes, span):
    """Pull the cotangents of H[1] and H[0] (empty: zero) back to the inputs of all planes, in a span of groups.

    `joined` is None, or True if H[-1] and the source both are H[0]: it is a constant of the compilation.
    """
    share_out(some_groups, (targets, cotangents, batch, ratios, extent, joined, planes), span)


@kernel(part=True)
def some_groups(targets, cotangents, batch, ratios, extent, joined, planes, first, last):
    """Do so for groups first..last-1."""
    (arrays, table), like, count = batch, cotangents[0], extent.rows * extent.columns * LANES
    held, store = make_aside(arrays, count, like), make_stacks(cells_of_stack(PLANES, 0, count, like.itemsize), like)
    aside, made = open_aside(arrays, table, extent, held), open_stack(store, 0, PLANES, 0, count)
    groups_in(made, targets, cotangents, aside, ratios, extent, joined, first * LANES, min(last * LANES, planes))
    keep_alive(batch, held, store)


@kernel(part=True)
def groups_in(made, targets, cotangents, aside, r, extent, joined, first, last):
    """Do so for planes first..last-1, in the scratch that is given."""
    of_now, of_old = pointer(cotangents[0], 0), pointer(cotangents[1], 0)
    cells, count, zero = extent.rows * extent.columns, extent.rows * extent.columns * LANES, r.one - r.one
    g, memory = seven(made.planes, 0, made.pitch), inputs_of(aside)
    lam, w, inverse = plane_in(made, LAM), plane_in(made, W), plane_in(made, INVERSE)
    walls = plane.has_walls(extent.sides)
    for p in range(first, last, LANES):
        load_group(aside, p, first, last)
        put_aside(lam, aside, of_now, p, last, cells, cells)
        weigh(w, inverse, lam, 0, memory[DX], memory[DY], count, r)
        if walls:
            clear_walls(w, extent, zero)
        pull_aside(g, memory, w, inverse, joined, extent, r)
        if walls:
            release_walls(g[SOURCE] if joined is None else g[NOW], lam, joined, extent)
        if cotangents[1].size:
            put_aside(aside.room, aside, of_old, p, last, cells, cells)
            add_run(g[NOW], 0, aside.room, 0, count)
        finish_group(g, targets, aside, p, last, joined is None, zero)
    fence()
