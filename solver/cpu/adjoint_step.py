"""The adjoint of one step of the published forms, of every plane of a batch.

One step needs no coefficients in memory and no state but the inputs: w = lam / L is made first, then one pass reads
each plane in place, with its neighbours, and makes all seven gradients. What limits it should be memory: as in
`solver.cpu.whole` rows are not copied, the ends of rows are made again, and the next plane is asked for meanwhile.
"""

from __future__ import annotations

import numpy as np

from solver import stencil
from solver.compiling import kernel, point_function
from solver.cpu.copying import LINE
from solver.cpu.inputs import (
    SPARE,
    ask,
    beside,
    look_ahead,
    make_notes,
    make_room,
    neighbours,
    offsets,
    open_here,
    row_range,
    turn_to_plane,
)
from solver.cpu.layout import DIRICHLET, DX, DY, NOW, OLD, SOURCE, U, V
from solver.cpu.pointers import keep_alive, pointer
from solver.cpu.sharing import share_out
from solver.cpu.storing import (
    GRADIENTS,
    add_run,
    finish_plane,
    free_planes,
    make_gradients,
    open_pending,
    plane_size,
    write_pending,
)
from solver.cpu.streaming import fence


@kernel(apart=True, part=True)
def weigh(w, inverse, lam, lam_at, here, extent, r):
    """Make w = lam / L and 1 / L from lam."""
    Dx, Dy, n = here.memory[DX], here.memory[DY], extent.columns
    for i in range(extent.rows):
        D_x, D_y, q = here.at[DX] + i * here.pitch[DX], here.at[DY] + i * here.pitch[DY], i * n
        for j in range(n):
            made = r.one / (r.one + (r.xx * Dx[D_x + j] + r.yy * Dy[D_y + j]))
            inverse[q + j] = made
            w[q + j] = lam[lam_at + q + j] * made


@point_function
def pulled(j, west, east, v_west, v_east, memory, where, before, after, w, w_rows, inverse, r):
    """Return the gradients of the seven inputs of cell j of a row, whose neighbours are cells `west` and `east`.

    `w_rows` are the offsets in w, and 1 / L, of the row and of the rows before and after it.
    """
    now, old, f, u, v, Dx, Dy = memory
    row, north, south = where
    return stencil.published_step_adjoint(
        (now[row[NOW] + j], now[north[0] + j], now[south[0] + j], now[row[NOW] + west], now[row[NOW] + east]),
        (w[w_rows[0] + j], w[w_rows[1] + j], w[w_rows[2] + j], w[w_rows[0] + west], w[w_rows[0] + east]),
        (u[row[U] + j], before * u[north[1] + j], after * u[south[1] + j]),
        (v[row[V] + j], v_west, v_east),
        (Dx[row[DX] + j], Dx[north[2] + j], Dx[south[2] + j]),
        (Dy[row[DY] + j], Dy[row[DY] + west], Dy[row[DY] + east]),
        old[row[OLD] + j],
        f[row[SOURCE] + j],
        inverse[w_rows[0] + j],
        r,
    )


@point_function
def write(g, q, made):
    """Write the seven gradients of a cell."""
    g[0][q], g[1][q], g[2][q], g[3][q], g[4][q], g[5][q], g[6][q] = made


@kernel(apart=True, part=True)
def pull(g, pending, w, inverse, here, reach, streams, extent, r):
    """Make the seven gradients of a plane from its inputs and w, and write those of the plane before."""
    line = LINE // extent.itemsize
    due, cells = 0, extent.rows * extent.columns
    v, memory, rows, n, sides = here.memory[V], here.memory, extent.rows, extent.columns, extent.sides
    for i in range(rows):
        ask(here, streams, i, n, extent.itemsize)
        done, due = due, cells if i == rows - 1 else (i + 1) * n // line * line
        write_pending(pending, done, due)
        where, before, after = offsets(here, i, rows, sides, r)
        q, v_at = i * n, where[0][V]
        north, south = neighbours(i, rows, sides)
        w_rows = q, north * n, south * n
        for j in range(*row_range(i, reach, extent)):
            v_west, v_east = v[v_at + j - 1], v[v_at + j + 1]
            made = pulled(j, j - 1, j + 1, v_west, v_east, memory, where, before, after, w, w_rows, inverse, r)
            write(g, q + j, made)
        for end in range(2):
            j = end * (n - 1)
            west, east, v_west, v_east = beside(j, n, sides, v, v_at, r)
            made = pulled(j, west, east, v_west, v_east, memory, where, before, after, w, w_rows, inverse, r)
            write(g, q + j, made)


@kernel(part=True)
def fill_walls(to, source, start, extent):
    """Give the cells of a plane on Dirichlet walls the values at `start`, or zero if that is negative."""
    rows, n, (north, south, west, east) = extent.rows, extent.columns, extent.sides
    for i in range(rows):
        whole = (i == 0 and north == DIRICHLET) or (i == rows - 1 and south == DIRICHLET)
        for j in range(0, n, 1 if whole else max(1, n - 1)):
            if whole or (j == 0 and west == DIRICHLET) or (j == n - 1 and east == DIRICHLET):
                q = i * n + j
                to[q] = source[start + q] if start >= 0 else 0


@kernel()
def adjoint_step(targets, cotangents, batch, ratios, extent, span):
    """Pull the cotangents of H[1] and H[0] (empty: zero) back to the inputs, the planes of a span."""
    share_out(adjoint_some, (targets, cotangents, batch, ratios, extent), span)


@kernel(part=True)
def adjoint_some(targets, cotangents, batch, ratios, extent, first, last):
    """Do so for planes first..last-1."""
    cells, columns, like = extent.rows * extent.columns, extent.columns, cotangents[0]
    # The cells beside the ends of rows are read before they are made again.
    weights = np.zeros(2 * (plane_size(cells, extent.itemsize) + SPARE), like.dtype)
    constants, notes = make_room(columns, like), make_notes()
    here = open_here(batch[0], batch[1], columns, constants, notes)
    gradients, notes_of_pending = make_gradients(cells, like), np.zeros(GRADIENTS + 1, np.int64)
    pending = open_pending(gradients, targets, notes_of_pending, cells)
    pull_in(pending, weights, targets, cotangents, batch, here, constants, ratios, extent, first, last)
    keep_alive(gradients, notes, notes_of_pending)


@kernel(part=True)
def pull_in(pending, weights, targets, cotangents, batch, here, constants, ratios, extent, first, last):
    """Do so in the scratch that is given."""
    (lams, lams_old), (arrays, table) = cotangents, batch
    lam, lam_old = pointer(lams, 0), pointer(lams_old, 0)
    cells, (north, south, west, east) = extent.rows * extent.columns, extent.sides
    w, inverse = pointer(weights, SPARE), pointer(weights, 2 * SPARE + pending.size)
    walls = north == DIRICHLET or south == DIRICHLET or west == DIRICHLET or east == DIRICHLET
    for p in range(first, last):
        following, g = min(p + 1, last - 1), free_planes(pending)
        reach = turn_to_plane(here, arrays, table, p, extent, constants)
        streams = look_ahead(here, arrays, table, following)
        here.ahead[streams] = lams.ctypes.data + following * cells * extent.itemsize
        weigh(w, inverse, lam, p * cells, here, extent, ratios)
        if walls:
            fill_walls(w, w, -1, extent)
        pull(g, pending, w, inverse, here, reach, streams + 1, extent, ratios)
        if walls:
            fill_walls(g[SOURCE], lam, p * cells, extent)
        if lams_old.size:
            add_run(g[NOW], 0, lam_old, p * cells, cells)
        finish_plane(pending, targets, table, p, cells, lams.dtype.type(0))
    write_pending(pending, 0, cells)
    fence()
