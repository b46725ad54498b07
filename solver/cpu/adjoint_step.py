"""The adjoint of one step of the published forms, of every plane of a batch.

One step needs no coefficients in memory and no state but the inputs: w = lam / L is made first, then one pass reads
each plane and its neighbours and writes all seven gradients. What limits it is memory, so the next plane's inputs are
asked for during that pass, a few cache lines at a time: more would fill the line-fill buffers and wait.
"""

from __future__ import annotations

import numpy as np

from solver import stencil
from solver.compiling import kernel
from solver.cpu import plane
from solver.cpu.loading import (
    CHUNK,
    DX,
    DY,
    NOW,
    OLD,
    SOURCE,
    U,
    V,
    inner,
    load_inputs,
    look_ahead,
    request,
    row_of,
    scratch,
)
from solver.cpu.storing import store_gradients
from solver.cpu.streaming import fence

LAM, W, INVERSE = range(3)  # the planes of the gradient of H[1]: lam, lam / L and 1 / L


@kernel(apart=True, part=True)
def weigh(x, a, start, stop, r):
    """Make w = lam / L and 1 / L from lam."""
    for q in range(np.uint64(start), np.uint64(stop)):
        inverse = r.one / (r.one + (r.xx * a[DX, q] + r.yy * a[DY, q]))
        x[INVERSE, q] = inverse
        x[W, q] = x[LAM, q] * inverse


@kernel(part=True)
def hold_walls(x, rows, columns, sides):
    """On Dirichlet walls w is zero: H[1] depends on the source alone there."""
    if not plane.has_walls(sides):
        return
    for i in range(1, rows + 1):
        for j in range(1, columns + 1, plane.wall_stride(i, rows, columns, sides)):
            if plane.on_wall(i, j, rows, columns, sides):
                x[W, i * (columns + 2) + j] = 0


@kernel(part=True)
def release_walls(g, x, rows, columns, sides):
    """On Dirichlet walls the gradient of the source is that of the value, lam."""
    if not plane.has_walls(sides):
        return
    for i in range(1, rows + 1):
        for j in range(1, columns + 1, plane.wall_stride(i, rows, columns, sides)):
            if plane.on_wall(i, j, rows, columns, sides):
                g[SOURCE, i * (columns + 2) + j] = x[LAM, i * (columns + 2) + j]


@kernel(apart=True, part=True)
def pull(g, a, x, levels, start, stop, columns, r, ahead, streams):
    """Write the seven gradients `g` from the inputs `a` and w; `levels` are the rows of H[-1] and the source in `a`.

    Meanwhile ask for the first `streams` of the planes that begin at the addresses `ahead`.
    """
    S, one = np.uint64(columns + 2), np.uint64(1)
    old, source = levels
    for begin in range(start, stop, CHUNK):
        request(ahead, 0, streams, begin - start, a.itemsize)
        for offset in range(CHUNK):
            q = np.uint64(begin + offset)
            n, s, w, e = q - S, q + S, q - one, q + one
            point = stencil.published_step_adjoint(
                (a[NOW, q], a[NOW, n], a[NOW, s], a[NOW, w], a[NOW, e]),
                (x[W, q], x[W, n], x[W, s], x[W, w], x[W, e]),
                (a[U, q], a[U, n], a[U, s]),
                (a[V, q], a[V, w], a[V, e]),
                (a[DX, q], a[DX, n], a[DX, s]),
                (a[DY, q], a[DY, w], a[DY, e]),
                a[old, q],
                a[source, q],
                x[INVERSE, q],
                r,
            )
            g[NOW, q], g[OLD, q], g[SOURCE, q], g[U, q], g[V, q], g[DX, q], g[DY, q] = point


@kernel()
def adjoint_step(targets, cotangent, cotangent_old, arrays, table, ratios, extent, first, last):
    """Pull the cotangents of H[1] and H[0] (empty: zero) back to the inputs, planes first..last-1."""
    rows, columns, sides = extent.rows, extent.columns, extent.sides
    cells, (start, stop) = rows * columns, inner(rows, columns)
    joined = targets.joined
    planes = scratch(18, rows, columns, cotangent)  # in one piece: apart, they could lie at the same place of a page
    a, x, g, packed = planes[:7], planes[7:10], planes[10:17], planes[17]
    levels = np.uint64(row_of(OLD, joined)), np.uint64(row_of(SOURCE, joined))
    ahead = np.empty(8, np.int64)
    for p in range(first, last):
        load_inputs(a, arrays, table, joined, p, first, extent)
        plane.load_rows(x[LAM], cotangent[p * cells : (p + 1) * cells], 0, rows, columns)
        weigh(x, a, start, stop, ratios)
        hold_walls(x, rows, columns, sides)
        plane.wrap(x[W], rows, columns, sides)
        streams = look_ahead(ahead, arrays, table, joined, cotangent, min(p + 1, last - 1), cells)
        pull(g, a, x, levels, start, stop, columns, ratios, ahead, streams)
        release_walls(g, x, rows, columns, sides)
        if cotangent_old.size:
            plane.load_rows(x[W], cotangent_old[p * cells : (p + 1) * cells], 0, rows, columns)
            plane.add(g[NOW], x[W], columns + 2, (rows + 1) * (columns + 2))
        store_gradients(targets, g, packed, table, p, extent)
    fence()
