"""The adjoint of one step of the published forms, of packs of small planes."""

from __future__ import annotations

from solver import stencil
from solver.compiling import kernel, point_function
from solver.cpu.adjoint_step import weigh, write
from solver.cpu.lanes import (
    fields_at,
    finish_pack,
    five,
    inputs_of,
    load_pack,
    make_pack,
    open_pack,
    over_lanes,
)
from solver.cpu.layout import DX, DY, NOW, OLD, SOURCE
from solver.cpu.packing import pack_planes
from solver.cpu.pointers import keep_alive, pointer, seven
from solver.cpu.sharing import share_out
from solver.cpu.stack import make_stack, open_stack, plane_in
from solver.cpu.storing import add_run
from solver.cpu.streaming import fence
from solver.cpu.transposing import LANES
from solver.cpu.vectors import take_widest
from solver.cpu.walls import clear, over_walls, release

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
def pull_lanes(g, memory, w, inverse, joined, extent, r):
    """Do so for a pack."""
    take_widest()
    over_lanes(pull_lane, (g, memory, w, inverse, joined), extent, r)


@kernel()
def adjoint_step_packs(targets, cotangents, batch, ratios, extent, joined, planes, span):
    """Pull the cotangents of H[1] and H[0] (empty: zero) back to the inputs of all planes, in a span of packs.

    `joined` is None, or True if H[-1] and the source both are H[0]: it is a constant of the compilation.
    """
    share_out(some_packs, (targets, cotangents, batch, ratios, extent, joined, planes), span)


@kernel(part=True)
def some_packs(targets, cotangents, batch, ratios, extent, joined, planes, first, last):
    """Do so for packs first..last-1."""
    (arrays, table), like, count = batch, cotangents[0], extent.rows * extent.columns * LANES
    held, store = make_pack(arrays, count, like), make_stack(PLANES, count, 0, like)
    pack, made = open_pack(arrays, table, extent, held), open_stack(store, count, 0)
    packs_in(made, targets, cotangents, pack, ratios, extent, joined, first * LANES, min(last * LANES, planes))
    keep_alive(batch, held, store)


@kernel(part=True)
def packs_in(made, targets, cotangents, pack, r, extent, joined, first, last):
    """Do so for planes first..last-1, in the scratch that is given."""
    of_now, of_old = pointer(cotangents[0], 0), pointer(cotangents[1], 0)
    count, zero = extent.rows * extent.columns * LANES, r.one - r.one
    g, memory = seven(made.planes, 0, made.pitch), inputs_of(pack)
    lam, w, inverse = plane_in(made, LAM), plane_in(made, W), plane_in(made, INVERSE)
    for p in range(first, last, LANES):
        load_pack(pack, p, first, last)
        pack_planes(lam, pack.turning, of_now, p, last)
        weigh(w, inverse, lam, memory[DX], memory[DY], count, r)
        over_walls(clear, (w, zero), LANES, extent)
        pull_lanes(g, memory, w, inverse, joined, extent, r)
        over_walls(release, (g[SOURCE] if joined is None else g[NOW], lam, joined), LANES, extent)
        if cotangents[1].size:
            pack_planes(pack.turning.room, pack.turning, of_old, p, last)
            add_run(g[NOW], 0, pack.turning.room, 0, count)
        finish_pack(g, targets, pack, p, last, joined is None, zero)
    fence()
