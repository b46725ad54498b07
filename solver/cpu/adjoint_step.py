"""The adjoint of one step of the published forms, of every plane of a batch.

One step needs no coefficients in memory and no state but the inputs: w = lam / L is made first, then one pass reads
each plane in place, with its neighbours, and makes all seven gradients. What limits it should be memory: as in
`solver.cpu.whole` rows are not copied, the ends of rows are made again, and the next plane is asked for meanwhile.
"""

from __future__ import annotations

import numpy as np

from solver import stencil
from solver.compiling import kernel, point_function
from solver.cpu.layout import DIRICHLET
from solver.cpu.pointers import pointer
from solver.cpu.sharing import share_out
from solver.cpu.storing import add_run, make_gradients, open_gradients, plane_size, store_gradients
from solver.cpu.streaming import fence
from solver.cpu.whole import (
    DX,
    DY,
    NOW,
    OLD,
    SOURCE,
    SPARE,
    U,
    V,
    ask,
    beside,
    look_ahead,
    make_notes,
    make_room,
    neighbours,
    offsets,
    open_here,
    turn_to_plane,
)

@kernel(apart=True, part=True)
def weigh(x, w, inverse, lam, lam_at, here, extent, r):
    """Make w = lam / L and 1 / L from lam."""
    Dx, Dy, n = here.memory[DX], here.memory[DY], extent.columns
    for i in range(extent.rows):
        D_x, D_y, q = here.at[DX] + i * here.pitch[DX], here.at[DY] + i * here.pitch[DY], i * n
        for j in range(n):
            made = r.one / (r.one + (r.xx * Dx[D_x + j] + r.yy * Dy[D_y + j]))
            x[inverse + q + j] = made
            x[w + q + j] = lam[lam_at + q + j] * made


@point_function
def pulled(j, west, east, v_west, v_east, memory, where, before, after, x, w, inverse, r):
    """Return the gradients of the seven inputs of cell j of a row, whose neighbours are cells `west` and `east`.

    `w` are the offsets in x of the row of w, and of the rows before and after it, `inverse` that of 1 / L.
    """
    now, old, f, u, v, Dx, Dy = memory
    row, north, south = where
    return stencil.published_step_adjoint(
        (now[row[NOW] + j], now[north[0] + j], now[south[0] + j], now[row[NOW] + west], now[row[NOW] + east]),
        (x[w[0] + j], x[w[1] + j], x[w[2] + j], x[w[0] + west], x[w[0] + east]),
        (u[row[U] + j], before * u[north[1] + j], after * u[south[1] + j]),
        (v[row[V] + j], v_west, v_east),
        (Dx[row[DX] + j], Dx[north[2] + j], Dx[south[2] + j]),
        (Dy[row[DY] + j], Dy[row[DY] + west], Dy[row[DY] + east]),
        old[row[OLD] + j],
        f[row[SOURCE] + j],
        x[inverse + j],
        r,
    )


@point_function
def write(g, q, size, made):
    """Write the seven gradients of a cell."""
    g[q], g[size + q], g[2 * size + q], g[3 * size + q] = made[0], made[1], made[2], made[3]
    g[4 * size + q], g[5 * size + q], g[6 * size + q] = made[4], made[5], made[6]


@kernel(apart=True, part=True)
def pull(g, size, x, w, inverse, here, missing, streams, extent, r):
    """Write the seven gradients, `size` cells apart, from the inputs and w."""
    v, memory, rows, n, sides = here.memory[V], here.memory, extent.rows, extent.columns, extent.sides
    for i in range(rows):
        ask(here, streams, i, n, extent.itemsize)
        where, before, after = offsets(here, i, rows, sides, r)
        q, v_at = i * n, where[0][V]
        north, south = neighbours(i, rows, sides)
        ws = w + q, w + north * n, w + south * n
        for j in range(missing[0] if i == 0 else 0, n - missing[1] if i == rows - 1 else n):
            v_west, v_east = v[v_at + j - 1], v[v_at + j + 1]
            made = pulled(j, j - 1, j + 1, v_west, v_east, memory, where, before, after, x, ws, inverse + q, r)
            write(g, q + j, size, made)
        for end in range(2):
            j = end * (n - 1)
            west, east, v_west, v_east = beside(j, n, sides, v, v_at, r)
            made = pulled(j, west, east, v_west, v_east, memory, where, before, after, x, ws, inverse + q, r)
            write(g, q + j, size, made)


@kernel(part=True)
def fill_walls(to, at, source, start, extent):
    """Give the cells of a plane on Dirichlet walls the values at `start`, or zero if that is negative."""
    rows, n, (north, south, west, east) = extent.rows, extent.columns, extent.sides
    for i in range(rows):
        whole = (i == 0 and north == DIRICHLET) or (i == rows - 1 and south == DIRICHLET)
        for j in range(0, n, 1 if whole else max(1, n - 1)):
            if whole or (j == 0 and west == DIRICHLET) or (j == n - 1 and east == DIRICHLET):
                q = i * n + j
                to[at + q] = source[start + q] if start >= 0 else 0


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
    here = open_here(*batch, columns, constants, notes)
    gradients = make_gradients(cells, like)
    pull_in(gradients, weights, targets, cotangents, batch, here, constants, ratios, extent, first, last)


@kernel(part=True)
def pull_in(gradients, weights, targets, cotangents, batch, here, constants, ratios, extent, first, last):
    """Do so in the scratch that is given."""
    (lams, lams_old), (arrays, table) = cotangents, batch
    x, lam, lam_old = pointer(weights, 0), pointer(lams, 0), pointer(lams_old, 0)
    cells, (north, south, west, east) = extent.rows * extent.columns, extent.sides
    g, size = open_gradients(gradients, cells)
    w, inverse = SPARE, 2 * SPARE + size
    walls = north == DIRICHLET or south == DIRICHLET or west == DIRICHLET or east == DIRICHLET
    for p in range(first, last):
        following = min(p + 1, last - 1)
        missing = turn_to_plane(here, arrays, table, p, extent.columns, constants)
        streams = look_ahead(here, arrays, table, following)
        here.ahead[streams] = lams.ctypes.data + following * cells * extent.itemsize
        weigh(x, w, inverse, lam, p * cells, here, extent, ratios)
        if walls:
            fill_walls(x, w, x, -1, extent)
        pull(g, size, x, w, inverse, here, missing, streams + 1, extent, ratios)
        if walls:
            fill_walls(g, SOURCE * size, lam, p * cells, extent)
        if lams_old.size:
            add_run(g, 0, lam_old, p * cells, cells)
        store_gradients(targets, gradients, table, p, cells)
    fence()
