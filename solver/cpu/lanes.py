"""Packs of small planes, side by side in the lanes of vectors: cell q of plane l is number q * LANES + l.

A plane of 8 x 8 cells is four vectors long: what is done once a plane or once a row costs more than its cells. Side by
side as many planes as a vector has lanes cost hardly more than one, no row has ends, and every neighbour is a whole,
aligned vector.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from solver.compiling import kernel, point_function
from solver.cpu.copying import prefetch
from solver.cpu.layout import INPUTS, NOW, OLD, SOURCE
from solver.cpu.packing import Turning, make_starts, open_turning, unpack, write_pack
from solver.cpu.pointers import pointer, seven
from solver.cpu.stack import Stack, make_stack, open_stack, plane_in
from solver.cpu.storing import add_run, total_run
from solver.cpu.transposing import LANES, interleave
from solver.cpu.uniform import Batched, base_of, is_twin, make_notes, neighbours_along, open_batch
from solver.cpu.vectors import take_widest


class Place(NamedTuple):
    """A cell of a pack: its first number and those of its neighbours, and the signs of a velocity there."""

    at: int
    north: int
    south: int
    west: int
    east: int
    of_north: Any
    "sign of u there: -1 beyond a wall, where a cell is its own neighbour"
    of_south: Any
    of_west: Any
    "sign of v there"
    of_east: Any


class Pack(NamedTuple):
    """LANES planes, as they lie in memory and side by side."""

    batch: Batched
    stack: Stack
    "the seven inputs, side by side, and the room for one of them, or a gradient, that is turned around"
    turning: Turning


@kernel(inline=True)
def over_lanes(make, arguments, extent, r):
    """Call make(place, lane, arguments, r) for all cells of a pack."""
    take_widest()
    rows, n, sides = extent.rows, extent.columns, extent.sides
    across = sides[2], sides[3]
    for i in range(rows):
        north, south, of_north, of_south = neighbours_along(i, rows, sides, r)
        for j in range(n):
            west, east, of_west, of_east = neighbours_along(j, n, across, r)
            at, row = (i * n + j) * LANES, i * n
            up, down = (north * n + j) * LANES, (south * n + j) * LANES
            place = Place(
                at, up, down, (row + west) * LANES, (row + east) * LANES, of_north, of_south, of_west, of_east
            )
            for lane in range(LANES):
                make(place, lane, arguments, r)


@kernel(part=True)
def make_pack(arrays, count, like):
    """Allocate for the inputs of a pack, so many numbers each."""
    return make_stack(INPUTS + 1, count, 0, like), make_starts(), make_notes(arrays)


@kernel(inline=True)
def open_pack(arrays, table, extent, held):
    """Describe a pack; whoever calls must hold all arrays and what is allocated."""
    (store, starts, notes), cells = held, extent.rows * extent.columns
    stack = open_stack(store, cells * LANES, 0)
    batch = open_batch(arrays, table, cells, 0, store, notes)
    return Pack(batch, stack, open_turning(starts, plane_in(stack, INPUTS), cells))


@kernel(part=True)
def load_pack(pack, p, first, last):
    """Bring the inputs of planes p, p + 1, ... side by side; those that all planes share are there since the first.

    Those of the next pack are asked for.
    """
    batch, turning = pack.batch, pack.turning
    table, cells, starts = batch.table, batch.cells, turning.starts
    for which in range(INPUTS):
        twin = which in (OLD, SOURCE) and is_twin(batch, which)
        if not twin and (p == first or table[4 * which + 3] > 1):
            for lane in range(LANES):
                starts[lane] = base_of(table, which, min(p + lane, last - 1))
            to, source = plane_in(pack.stack, which), batch.memory[which]
            if table[4 * which] > 1:
                for following in range(p + LANES, min(p + 2 * LANES, last)):
                    prefetch(source, base_of(table, which, following), cells)
                interleave(to, turning.places, source, starts, cells)
            else:
                for q in range(cells):
                    for lane in range(LANES):
                        to[q * LANES + lane] = source[starts[lane]]


@kernel(inline=True)
def inputs_of(pack):
    """Return pointers to the seven inputs, side by side."""
    now, old, f, u, v, Dx, Dy = seven(pack.stack.planes, 0, pack.stack.pitch)
    return now, now if is_twin(pack.batch, OLD) else old, now if is_twin(pack.batch, SOURCE) else f, u, v, Dx, Dy


@point_function
def fields_at(place, lane, memory, r):
    """Return u, v, Dx, Dy and f of a cell, as `stencil.assemble` takes them."""
    _, _, f, u, v, Dx, Dy = memory
    q, north, south = place.at + lane, place.north + lane, place.south + lane
    west, east = place.west + lane, place.east + lane
    D_x, D_y = (Dx[q], Dx[q], Dx[q]), (Dy[q], Dy[q], Dy[q])
    if r.diffusivity_share is not None:
        D_x, D_y = (Dx[q], Dx[north], Dx[south]), (Dy[q], Dy[west], Dy[east])
    u_here = u[q], place.of_north * u[north], place.of_south * u[south]
    v_here = v[q], place.of_west * v[west], place.of_east * v[east]
    return u_here, v_here, D_x, D_y, f[q]


@point_function
def five(H, place, lane):
    """Return a cell of a level and its neighbours: centre, north, south, west, east."""
    return (
        H[place.at + lane],
        H[place.north + lane],
        H[place.south + lane],
        H[place.west + lane],
        H[place.east + lane],
    )


@kernel(part=True)
def finish_pack(g, targets, pack, p, last, apart, zero):
    """Write the gradients of planes p, p + 1, ...; sum first what belongs together, if it is apart."""
    turning, cells, table = pack.turning, pack.batch.cells, pack.batch.table
    for which in (OLD, SOURCE):
        if apart and targets.joined[which]:
            add_run(g[NOW], 0, g[which], 0, cells * LANES)
    for which in range(INPUTS):
        stride = targets.strides[which]
        if targets.wanted[which] and table[4 * which] == 1 and cells > 1:
            unpack(g[which], turning)
            for lane in range(min(LANES, last - p)):
                targets.arrays[which][(p + lane) * stride] = total_run(turning.room, lane * cells, cells, zero)
        elif targets.wanted[which]:
            write_pack(pointer(targets.arrays[which], 0), stride, g[which], turning, p, last, targets.streamed)
