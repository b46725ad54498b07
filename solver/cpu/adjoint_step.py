"""The adjoint of one step of the published forms, of every plane of a batch.

One step needs no coefficients in memory and no state but the inputs: w = lam / L is made first, then one pass reads
each plane in place, with its neighbours, and makes all seven gradients. What limits it should be memory: the next plane
is asked for meanwhile, and the gradients of the last one are written.
"""

from __future__ import annotations

import numpy as np

from solver import stencil
from solver.compiling import kernel, point_function
from solver.cpu.asking import CHUNK, Asked, ask
from solver.cpu.layout import DX, DY, NOW, OLD, SOURCE
from solver.cpu.margins import make_reading, open_reading, turn_to_whole
from solver.cpu.pointers import keep_alive, pointer
from solver.cpu.seam import beside, fields_around, level_around, over_plane
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
from solver.cpu.uniform import look_ahead
from solver.cpu.vectors import take_widest
from solver.cpu.walls import clear, over_walls, release


@kernel(apart=True, part=True)
def weigh(w, inverse, lam, Dx, Dy, cells, r):
    """Make w = lam / L and 1 / L from lam."""
    take_widest()
    for q in range(cells):
        made = r.one / (r.one + (r.xx * Dx[q] + r.yy * Dy[q]))
        inverse[q] = made
        w[q] = lam[q] * made


@point_function
def pull_cell(q, north, south, before, after, arguments, seam, r):
    """Write the gradients of the seven inputs of cell q."""
    g, memory, w, inverse, joined = arguments
    Dx, Dy = memory[DX], memory[DY]
    D_west, D_east = beside(Dy, q, seam)
    u, v, _, _, f = fields_around(q, north, south, before, after, memory, seam, r)
    made = stencil.published_step_adjoint(
        level_around(memory[NOW], q, north, south, seam),
        level_around(w, q, north, south, seam),
        u,
        v,
        (Dx[q], Dx[north], Dx[south]),
        (Dy[q], D_west, D_east),
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
def pull_plane(g, memory, w, inverse, joined, seam, asked, pending, extent, r):
    """Make the seven gradients of all cells, and write those of the plane before."""
    take_widest()
    n = extent.columns
    over_plane(pull_cell, (g, memory, w, inverse, joined), write_and_ask, (asked, pending, n), seam, extent, r)
    write_pending(pending, max(0, (extent.rows - 2) * n) // CHUNK * CHUNK, extent.rows * n)


@kernel()
def adjoint_step(targets, cotangents, batch, ratios, extent, joined, span):
    """Pull the cotangents of H[1] and H[0] (empty: zero) back to the inputs, the planes of a span.

    `joined` is None, or True if H[-1] and the source both are H[0]: it is a constant of the compilation.
    """
    share_out(adjoint_some, (targets, cotangents, batch, ratios, extent, joined), span)


@kernel(part=True)
def adjoint_some(targets, cotangents, batch, ratios, extent, joined, first, last):
    """Do so for planes first..last-1."""
    (arrays, table), rows, columns, like = batch, extent.rows, extent.columns, cotangents[0]
    cells = rows * columns
    held = make_reading(arrays, table, rows, columns, like)
    weights = np.empty(2 * (pitch_of(cells, extent.itemsize) + columns), like.dtype)
    gradients, notes_of_pending = make_gradients(cells, like), np.zeros(GRADIENTS + 1, np.int64)
    pending = open_pending(gradients, targets, notes_of_pending, cells)
    reading = open_reading(arrays, table, extent, held)
    pull_in(pending, weights, targets, cotangents, reading, ratios, extent, joined, first, last)
    keep_alive(batch, held, gradients, notes_of_pending)


@kernel(part=True)
def pull_in(pending, weights, targets, cotangents, reading, r, extent, joined, first, last):
    """Do so in the scratch that is given."""
    lams, lams_old = cotangents
    lam, lam_old = pointer(lams, 0), pointer(lams_old, 0)
    inputs, cells, zero = reading.batch, reading.batch.cells, r.one - r.one
    w = pointer(weights, reading.margins.width)
    inverse = pointer(w, reading.margins.width + pending.size)
    for p in range(first, last):
        following, g = min(p + 1, last - 1), free_planes(pending)
        memory, here = turn_to_whole(reading, p, first), pointer(lam, p * cells)
        streams = look_ahead(inputs, following)
        inputs.ahead[streams] = lams.ctypes.data + following * cells * extent.itemsize
        weigh(w, inverse, here, memory[DX], memory[DY], cells, r)
        over_walls(clear, (w, zero), 1, extent)
        asked = Asked(inputs.ahead, streams + 1)
        pull_plane(g, memory, w, inverse, joined, reading.seam, asked, pending, extent, r)
        over_walls(release, (g[SOURCE] if joined is None else g[NOW], here, joined), 1, extent)
        if lams_old.size:
            add_run(g[NOW], 0, lam_old, p * cells, cells)
        finish_plane(pending, targets, inputs.table, p, cells, joined is None, zero)
    write_pending(pending, 0, cells)
    fence()
