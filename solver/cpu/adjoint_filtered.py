"""The adjoint of K steps with the Robert-Asselin-Williams filter, of every plane of a batch.

As in `solver.cpu.adjoint`, but the filter moves the older level after it was used, so that both levels of each step are
kept: that after step k, H[k], is levels[2k + 1], the one before it levels[2k].
"""

from __future__ import annotations

import numpy as np

from solver import stencil
from solver.compiling import kernel
from solver.cpu import plane
from solver.cpu.adjoint_forms import fields_adjoint
from solver.cpu.adjoint_walls import wrap_columns_transposed, wrap_rows_transposed
from solver.cpu.copying import copy_run
from solver.cpu.layout import DX, DY, NOW, OLD, SOURCE, U, V
from solver.cpu.loading import inner, load_inputs, row, row_of, scratch
from solver.cpu.pointers import keep_alive, pointer
from solver.cpu.segments import segment_length, segments_of
from solver.cpu.sharing import share_out
from solver.cpu.storing import GRADIENTS, finish_plane, free_planes, make_gradients, open_pending, write_pending
from solver.cpu.streaming import fence


@kernel(apart=True, part=True)
def assemble(c, a, source, start, stop, columns, r):
    """Assemble the coefficients of a plane from its inputs `a`, of which row `source` holds the source."""
    S, one = np.uint64(columns + 2), np.uint64(1)
    for q in range(np.uint64(start), np.uint64(stop)):
        n, s, w, e = q - S, q + S, q - one, q + one
        point = stencil.assemble(
            (a[U, q], a[U, n], a[U, s]),
            (a[V, q], a[V, w], a[V, e]),
            (a[DX, q], a[DX, n], a[DX, s]),
            (a[DY, q], a[DY, w], a[DY, e]),
            a[source, q],
            r,
        )
        c[0, q], c[1, q], c[2, q], c[3, q], c[4, q], c[5, q], c[6, q] = point


@kernel(part=True)
def pull_filtered(lam_out, c, mu, rest, start, stop, columns):
    """One step of the adjoint, of which `rest` is known: lam_out = rest + transposed sweep of `mu`."""
    S = columns + 2
    mu, north, south, west, east = plane.stencil_views(mu, start, stop, columns)
    lam_out, rest = lam_out[start:stop], rest[start:stop]
    c_centre = c[1, start:stop]
    c_north, c_south = c[3, start - S : stop - S], c[2, start + S : stop + S]
    c_west, c_east = c[5, start - 1 : stop - 1], c[4, start + 1 : stop + 1]
    one = mu.dtype.type(1)
    zero = mu.dtype.type(0)
    for q in range(mu.size):
        point = (one, c_centre[q], c_north[q], c_south[q], c_west[q], c_east[q], zero)
        lam_out[q] = stencil.step(point, rest[q], mu[q], north[q], south[q], west[q], east[q])


@kernel(part=True)
def accumulate(g, lam, now, old, start, stop, columns):
    """Add the gradients of one step to `g`."""
    now, north, south, west, east = plane.stencil_views(now, start, stop, columns)
    lam, old = lam[start:stop], old[start:stop]
    g0, g1, g2, g3, g4, g5, g6 = plane.seven(g, start, stop)
    for q in range(lam.size):
        point = stencil.step_adjoint(lam[q], old[q], now[q], north[q], south[q], west[q], east[q])
        g0[q] += point[0]
        g1[q] += point[1]
        g2[q] += point[2]
        g3[q] += point[3]
        g4[q] += point[4]
        g5[q] += point[5]
        g6[q] += point[6]


@kernel(part=True)
def filter_adjoint(mu, rest, older, lam, lam_old, c_old, start, stop, ratios, filtered):
    """Pull the gradients of H[k+1] and H[k] back through the filter, and those of H[k-1] through the sweep as well.

    `lam`, `lam_old` are those after the filter. Written are `mu`, of H[k+1] before it, `rest`, what H[k] receives
    without the sweep, and `older`, all that H[k-1] receives.
    """
    mu, rest, older, lam = mu[start:stop], rest[start:stop], older[start:stop], lam[start:stop]
    lam_old, c_old = lam_old[start:stop], c_old[start:stop]
    on = ratios.one if filtered else ratios.one - ratios.one
    for q in range(mu.size):
        share = on * ratios.half_nu * stencil.displacement_adjoint(lam[q], lam_old[q], ratios)
        above, below = lam[q] + share, lam_old[q] - share - share
        mu[q], rest[q], older[q] = above, below, c_old[q] * above + share


@kernel(part=True)
def advance(levels, k, filtered, c, extent, ratios):
    """Compute the levels after step k of a segment from those before it; the border of H[k] is filled."""
    rows, columns = extent.rows, extent.columns
    start, stop = columns + 2, (rows + 1) * (columns + 2)
    now, old, kept, new = levels[2 * k + 1], levels[2 * k], levels[2 * k + 2], levels[2 * k + 3]
    plane.wrap(now, rows, columns, extent.sides)
    plane.sweep(new, c, now, old, start, stop, columns)
    copy_run(kept, 0, now, 0, now.size)
    if filtered:
        plane.move(new, kept, old, start, stop, ratios)


@kernel(part=True)
def copy_pair(target, at, source, start):
    """Copy two successive padded planes."""
    copy_run(row(target, at), 0, row(source, start), 0, 2 * source.shape[1])


@kernel(part=True)
def mark_segments(marks, levels, c, segment, extent, ratios):
    """Run to the start of the last segment; keep the two levels at the start of each earlier one in `marks`."""
    for s in range(marks.shape[0] // 2):
        copy_pair(marks, 2 * s, levels, 0)
        for k in range(segment):
            advance(levels, k, s * segment + k >= extent.unfiltered, c, extent, ratios)
        copy_pair(levels, 0, levels, 2 * segment)


@kernel(part=True)
def finish(g, sums, c, a, lam, lam_old, extent, r):
    """Make the gradients of all seven inputs."""
    rows, columns = extent.rows, extent.columns
    fields_adjoint(g, sums, c, a[DX : DY + 1], extent, r)
    for i in range(rows):
        copy_run(g[NOW], i * columns, lam, (i + 1) * (columns + 2) + 1, columns)
        copy_run(g[OLD], i * columns, lam_old, (i + 1) * (columns + 2) + 1, columns)


@kernel()
def adjoint_filtered(targets, cotangents, batch, ratios, extent, span):
    """Pull the cotangents of H[K] and H[K-1] (empty: zero) back to the inputs, the planes of a span; K >= 1."""
    share_out(adjoint_some, (targets, cotangents, batch, ratios, extent), span)


@kernel(part=True)
def adjoint_some(targets, cotangents, batch, ratios, extent, first, last):
    """Do so for planes first..last-1."""
    (cotangent, cotangent_old), (arrays, table) = cotangents, batch
    rows, columns, steps, sides = extent.rows, extent.columns, extent.steps, extent.sides
    cells = rows * columns
    start, stop = columns + 2, (rows + 1) * (columns + 2)
    joined = targets.joined

    a = scratch(7, rows, columns, cotangent)
    segment = segment_length(steps, 2 * a.shape[1] * extent.itemsize)
    segments = segments_of(steps, segment)
    c = scratch(7, rows, columns, cotangent)
    sums = scratch(8, rows, columns, cotangent)
    gradients, notes = make_gradients(cells, cotangent), np.zeros(GRADIENTS + 1, np.int64)
    pending = open_pending(gradients, targets, notes, cells)
    lams = scratch(5, rows, columns, cotangent)
    levels = scratch(2 * segment + 2, rows, columns, cotangent)
    marks = scratch(2 * (segments - 1), rows, columns, cotangent)

    for p in range(first, last):
        load_inputs(a, arrays, table, joined, p, first, extent)
        source = row_of(SOURCE, joined)
        copy_run(levels[1], 0, a[NOW], 0, a.shape[1])
        copy_run(levels[0], 0, a[row_of(OLD, joined)], 0, a.shape[1])
        # The adjoint of step k leaves lam = dL/dH[k] and lam_old, all that H[k-1] receives.
        lam, lam_old, lam_new = lams[0], lams[1], lams[2]
        plane.load_rows(lam, cotangent[p * cells : (p + 1) * cells], 0, rows, columns)
        lam_old.fill(0)
        if cotangent_old.size:
            plane.load_rows(lam_old, cotangent_old[p * cells : (p + 1) * cells], 0, rows, columns)
        assemble(c, a, np.uint64(source), start, inner(rows, columns)[1], columns, ratios)
        plane.hold_walls(c, a[source], 1, rows + 1, rows, columns, sides)
        wrap_rows_transposed(c[2], c[3], rows, columns, sides)
        wrap_columns_transposed(c[4], c[5], rows, columns, sides)
        mark_segments(marks, levels, c, segment, extent, ratios)
        sums.fill(0)
        for s in range(segments - 1, -1, -1):
            if s < segments - 1:
                copy_pair(levels, 0, marks, 2 * s)
            length = min(segment, steps - s * segment)
            for k in range(length - 1):
                advance(levels, k, s * segment + k >= extent.unfiltered, c, extent, ratios)
            plane.wrap(levels[2 * length - 1], rows, columns, sides)
            for k in range(length - 1, -1, -1):
                mu, rest = lams[3], lams[4]
                filtered = s * segment + k >= extent.unfiltered
                filter_adjoint(mu, rest, lam_new, lam, lam_old, c[0], start, stop, ratios, filtered)
                plane.wrap(mu, rows, columns, sides)
                pull_filtered(lam, c, mu, rest, start, stop, columns)
                lam_old, lam_new = lam_new, lam_old
                accumulate(sums, mu, levels[2 * k + 1], levels[2 * k], start, stop, columns)
        finish(free_planes(pending), sums, c, a, lam, lam_old, extent, ratios)
        finish_plane(pending, targets, pointer(table.reshape(-1), 0), p, cells, True, cotangent.dtype.type(0))
        write_pending(pending, 0, cells)
    fence()
    keep_alive(gradients, notes)
