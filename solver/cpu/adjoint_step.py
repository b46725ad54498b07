"""The adjoint of one step of the published forms, of every plane of a batch.

One step needs no coefficients in memory and no state but the inputs: w = lam / L is made first, then one pass reads
each plane in place, with its neighbours, and makes all seven gradients; the ends of rows are made as columns. What
limits it should be memory: the next plane is asked for meanwhile, and the gradients of the last one are written.
"""

from __future__ import annotations

import numpy as np

from solver import stencil
from solver.compiling import kernel, point_function
from solver.cpu.columns import (
    end_of_rows,
    fields_of_row,
    gather,
    gather_closed,
    gather_inputs,
    levels_of_row,
    make_room,
    open_inputs,
    scatter,
)
from solver.cpu.inside import CHUNK, Asked, ask, over_inside
from solver.cpu.layout import DIRICHLET, DX, DY, NOW, OLD, SOURCE
from solver.cpu.plane import has_walls
from solver.cpu.pointers import keep_alive, pointer, seven
from solver.cpu.sharing import share_out
from solver.cpu.storing import (
    GRADIENTS,
    add_run,
    finish_plane,
    free_planes,
    make_gradients,
    open_pending,
    pitch_of,
    write_pending,
)
from solver.cpu.streaming import fence
from solver.cpu.uniform import fields_of_cell, look_ahead, turn_to
from solver.cpu.vectors import take_widest

SPARE = 16  # cells before and after w that are read, at the ends of rows, before they are made again


@kernel(apart=True, part=True)
def weigh(w, inverse, lam, lam_at, Dx, Dy, cells, r):
    """Make w = lam / L and 1 / L from lam."""
    take_widest()
    for q in range(cells):
        made = r.one / (r.one + (r.xx * Dx[q] + r.yy * Dy[q]))
        inverse[q] = made
        w[q] = lam[lam_at + q] * made


@point_function
def pull_cell(q, north, south, before, after, arguments, r):
    """Write the gradients of the seven inputs of cell q, inside its row."""
    g, memory, w, inverse, joined = arguments
    now, Dx, Dy = memory[NOW], memory[DX], memory[DY]
    u, v, _, _, f = fields_of_cell(q, north, south, before, after, memory, r)
    made = stencil.published_step_adjoint(
        (now[q], now[north], now[south], now[q - 1], now[q + 1]),
        (w[q], w[north], w[south], w[q - 1], w[q + 1]),
        u,
        v,
        (Dx[q], Dx[north], Dx[south]),
        (Dy[q], Dy[q - 1], Dy[q + 1]),
        memory[OLD][q],
        f,
        inverse[q],
        r,
    )
    write(g, q, made, joined)


@point_function
def write(g, q, made, joined):
    """Write the gradients of a cell: all seven, or those of H[0], H[-1] and the source as one."""
    if joined is None:
        g[0][q], g[1][q], g[2][q] = made[0], made[1], made[2]
    else:
        g[0][q] = (made[0] + made[1]) + made[2]
    g[3][q], g[4][q], g[5][q], g[6][q] = made[3], made[4], made[5], made[6]


@point_function
def write_and_ask(start, duties, one):
    """Ask for a run of the next plane, and write one of the last."""
    asked, pending, row = duties
    ask(start, asked, one)
    write_pending(pending, start - row, start - row + CHUNK)


@kernel(apart=True, part=True)
def pull_inside(g, memory, w, inverse, joined, asked, pending, extent, r):
    """Make the seven gradients of all cells but the ends of rows, and write those of the plane before."""
    take_widest()
    n = extent.columns
    over_inside(pull_cell, (g, memory, w, inverse, joined), write_and_ask, (asked, pending, n), extent, r)
    write_pending(pending, max(0, (extent.rows - 2) * n) // CHUNK * CHUNK, extent.rows * n)


@kernel(apart=True, part=True)
def pull_column(g, columns, w, inverse, joined, rows, r):
    """Make the seven gradients of a gathered column; `w` are three of them, its own, west and east of it."""
    take_widest()
    Dx, (own, west, east) = columns.Dx, w
    for i in range(rows):
        u, v, _, _, f = fields_of_row(i, columns, r)
        old, H, north, south, H_west, H_east = levels_of_row(i, columns)
        made = stencil.published_step_adjoint(
            (H, north, south, H_west, H_east),
            (own[i], own[i - 1], own[i + 1], west[i], east[i]),
            u,
            v,
            (Dx[i], Dx[i - 1], Dx[i + 1]),
            (columns.Dy[i], columns.Dy_west[i], columns.Dy_east[i]),
            old,
            f,
            inverse[i],
            r,
        )
        write(g, i, made, joined)


@kernel(part=True)
def pull_ends(g, memory, w, inverse, joined, columns, extent, r):
    """Make the seven gradients of the ends of all rows."""
    rows, n, one = extent.rows, extent.columns, r.one
    own, west, east, inverse_own, _, _, _ = seven(columns.free, 0, columns.pitch)
    found = seven(columns.free, 4 * columns.pitch, columns.pitch)
    for last in range(2):
        end = end_of_rows(last, n, extent.sides, r)
        gather_inputs(columns, memory, end, extent, r)
        gather(columns.Dy_west, memory[DY], end.west, rows, n, one)
        gather(columns.Dy_east, memory[DY], end.east, rows, n, one)
        gather_closed(own, w, end.cell, extent, one, one)
        gather(west, w, end.west, rows, n, one)
        gather(east, w, end.east, rows, n, one)
        gather(inverse_own, inverse, end.cell, rows, n, one)
        pull_column(found, columns, (own, west, east), inverse_own, joined, rows, r)
        for which in range(GRADIENTS):
            if joined is not None and which in (OLD, SOURCE):
                continue
            scatter(g[which], end.cell, found[which], rows, n)


@kernel(part=True)
def fill_walls(to, lam, start, added, extent):
    """On Dirichlet walls set a plane to lam, add lam to it, or, where `start` is negative, set it to zero."""
    rows, n, (north, south, west, east) = extent.rows, extent.columns, extent.sides
    for i in range(rows):
        whole = (i == 0 and north == DIRICHLET) or (i == rows - 1 and south == DIRICHLET)
        for j in range(0, n, 1 if whole else max(1, n - 1)):
            if whole or (j == 0 and west == DIRICHLET) or (j == n - 1 and east == DIRICHLET):
                q = i * n + j
                value = lam[start + q] if start >= 0 else lam[0] - lam[0]
                to[q] = to[q] + value if added else value


@kernel()
def adjoint_step(targets, cotangents, batch, ratios, extent, joined, span):
    """Pull the cotangents of H[1] and H[0] (empty: zero) back to the inputs, the planes of a span.

    `joined` is None, or True if H[-1] and the source both are H[0]: it is a constant of the compilation.
    """
    share_out(adjoint_some, (targets, cotangents, batch, ratios, extent, joined), span)


@kernel(part=True)
def adjoint_some(targets, cotangents, batch, ratios, extent, joined, first, last):
    """Do so for planes first..last-1."""
    (arrays, table), rows, cells, like = batch, extent.rows, extent.rows * extent.columns, cotangents[0]
    room = make_room(arrays, table, rows, cells, like)
    inputs, columns = open_inputs(arrays, table, rows, cells, room)
    weights = np.zeros(2 * (pitch_of(cells, extent.itemsize) + 2 * SPARE), like.dtype)
    gradients, notes_of_pending = make_gradients(cells, like), np.zeros(GRADIENTS + 1, np.int64)
    pending = open_pending(gradients, targets, notes_of_pending, cells)
    pull_in(pending, weights, targets, cotangents, inputs, columns, ratios, extent, joined, first, last)
    keep_alive(batch, room, gradients, notes_of_pending)


@kernel(part=True)
def pull_in(pending, weights, targets, cotangents, inputs, columns, ratios, extent, joined, first, last):
    """Do so in the scratch that is given."""
    lams, lams_old = cotangents
    lam, lam_old = pointer(lams, 0), pointer(lams_old, 0)
    cells = extent.rows * extent.columns
    w, inverse = pointer(weights, SPARE), pointer(weights, 3 * SPARE + pending.size)
    walls = has_walls(extent.sides)
    for p in range(first, last):
        following, g = min(p + 1, last - 1), free_planes(pending)
        memory = turn_to(inputs, p, first)
        streams = look_ahead(inputs, following)
        inputs.ahead[streams] = lams.ctypes.data + following * cells * extent.itemsize
        weigh(w, inverse, lam, p * cells, memory[DX], memory[DY], cells, ratios)
        if walls:
            fill_walls(w, w, -1, False, extent)
        pull_inside(g, memory, w, inverse, joined, Asked(inputs.ahead, streams + 1), pending, extent, ratios)
        pull_ends(g, memory, w, inverse, joined, columns, extent, ratios)
        if walls:
            fill_walls(g[SOURCE] if joined is None else g[NOW], lam, p * cells, joined is not None, extent)
        if lams_old.size:
            add_run(g[NOW], 0, lam_old, p * cells, cells)
        finish_plane(pending, targets, inputs.table, p, cells, joined is None, ratios.one - ratios.one)
    write_pending(pending, 0, cells)
    fence()
