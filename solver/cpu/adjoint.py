"""The adjoint of K time steps of every plane of a batch: gradients of all seven inputs.

Nothing of the forward run is kept: the states are computed again in a scratch that stays in cache. A run of more
than `SEGMENT` steps is cut into segments of about sqrt(2K): the first pass marks the two levels at the start of each,
then each is recomputed, last first, so the scratch of a thread grows with sqrt(K), not K, at the price of one more
forward run.

The transpose of a gather is a gather: cell i receives south[i-1] lam[i-1] + north[i+1] lam[i+1] + ..., which is the
forward step with shifted coefficients. Nothing is scattered, so the result does not depend on the threads.
"""

from __future__ import annotations

import math

from solver import stencil
from solver.compiling import kernel
from solver.cpu import plane
from solver.cpu.copying import copy_run
from solver.cpu.forward import COEFFICIENTS, assemble_plane, load_fields, load_levels, prefetch_input
from solver.cpu.layout import PERIODIC

SEGMENT = 16


@kernel()
def pull(lam_out, c, lam, lam_old, start, stop, columns):
    """One step of the adjoint: lam_out = dL/dH[k] from lam = dL/dH[k+1] and lam_old = dL/dH[k+2].

    Reads the coefficients of the neighbours: the borders of `c` must be wrapped.
    """
    S = columns + 2
    lam, north, south, west, east = plane.stencil_views(lam, start, stop, columns)
    lam_out, lam_old = lam_out[start:stop], lam_old[start:stop]
    c_old, c_centre = c[0, start:stop], c[1, start:stop]
    c_north, c_south = c[3, start - S : stop - S], c[2, start + S : stop + S]
    c_west, c_east = c[5, start - 1 : stop - 1], c[4, start + 1 : stop + 1]
    zero = lam.dtype.type(0)
    for q in range(lam.size):
        point = (c_old[q], c_centre[q], c_north[q], c_south[q], c_west[q], c_east[q], zero)
        lam_out[q] = stencil.step(point, lam_old[q], lam[q], north[q], south[q], west[q], east[q])


@kernel()
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


@kernel()
def begin(g, lam, now, old, start, stop, columns):
    """Set the gradients of the coefficients to those of one step."""
    now, north, south, west, east = plane.stencil_views(now, start, stop, columns)
    lam, old = lam[start:stop], old[start:stop]
    g0, g1, g2, g3, g4, g5, g6 = plane.seven(g, start, stop)
    for q in range(lam.size):
        point = stencil.step_adjoint(lam[q], old[q], now[q], north[q], south[q], west[q], east[q])
        g0[q], g1[q], g2[q], g3[q], g4[q], g5[q], g6[q] = point


@kernel()
def accumulate(g, lam, now, old, start, stop, columns):
    """Add the gradients of one step."""
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


@kernel()
def accumulate_pair(g, lam_a, now_a, lam_b, now_b, old_b, start, stop, columns):
    """Add the gradients of two successive steps, a after b: the sums are read and written once, not twice.

    The level before `now_a` is `now_b`.
    """
    now_a, north_a, south_a, west_a, east_a = plane.stencil_views(now_a, start, stop, columns)
    now_b, north_b, south_b, west_b, east_b = plane.stencil_views(now_b, start, stop, columns)
    lam_a, lam_b, old_b = lam_a[start:stop], lam_b[start:stop], old_b[start:stop]
    g0, g1, g2, g3, g4, g5, g6 = plane.seven(g, start, stop)
    for q in range(lam_a.size):
        a = stencil.step_adjoint(lam_a[q], now_b[q], now_a[q], north_a[q], south_a[q], west_a[q], east_a[q])
        b = stencil.step_adjoint(lam_b[q], old_b[q], now_b[q], north_b[q], south_b[q], west_b[q], east_b[q])
        g0[q] += a[0] + b[0]
        g1[q] += a[1] + b[1]
        g2[q] += a[2] + b[2]
        g3[q] += a[3] + b[3]
        g4[q] += a[4] + b[4]
        g5[q] += a[5] + b[5]
        g6[q] += a[6] + b[6]


@kernel()
def wrap_rows_transposed(before, after, rows, columns, sides):
    """Fill the border rows that the transpose of a gather reads, of coefficients towards i-1 and towards i+1.

    Beyond a wall a cell reads itself, so what it receives from there is its own coefficient towards the wall.
    """
    S = columns + 2
    if sides[0] == PERIODIC:
        copy_run(after, 0, after, rows * S, S)
    else:
        copy_run(after, 0, before, S, S)
    if sides[1] == PERIODIC:
        copy_run(before, (rows + 1) * S, before, S, S)
    else:
        copy_run(before, (rows + 1) * S, after, rows * S, S)


@kernel()
def wrap_columns_transposed(before, after, rows, columns, sides):
    """Fill the border columns likewise, of coefficients towards j-1 and towards j+1."""
    S = columns + 2
    for i in range(1, rows + 1):
        first, last = i * S + 1, i * S + columns
        after[first - 1] = after[last] if sides[2] == PERIODIC else before[first]
        before[last + 1] = before[first] if sides[3] == PERIODIC else after[last]


@kernel()
def assemble_adjoint(g, c, Dx, Dy, start, stop, columns, ratios):
    """Turn the gradients of the coefficients, in place, into those of b, the six numerators and the source."""
    g0, g1, g2, g3, g4, g5, g6 = plane.seven(g, start, stop)
    c0, c1, c2, c3, c4, c5, c6 = plane.seven(c, start, stop)
    Dx, Dx_north, Dx_south, _, _ = plane.stencil_views(Dx, start, stop, columns)
    Dy, _, _, Dy_west, Dy_east = plane.stencil_views(Dy, start, stop, columns)
    for q in range(g0.size):
        point = (c0[q], c1[q], c2[q], c3[q], c4[q], c5[q], c6[q])
        gradient = (g0[q], g1[q], g2[q], g3[q], g4[q], g5[q], g6[q])
        x, y = (Dx[q], Dx_north[q], Dx_south[q]), (Dy[q], Dy_west[q], Dy_east[q])
        made = stencil.assemble_adjoint(point, gradient, x, y, ratios)
        g0[q], g1[q], g2[q], g3[q], g4[q], g5[q], g6[q] = made


@kernel()
def release_walls(g, g_value, rows, columns, sides):
    """On Dirichlet walls let the gradient of the source be that of the value, and all others zero."""
    if not plane.has_walls(sides):
        return
    for i in range(1, rows + 1):
        for j in range(1, columns + 1, plane.wall_stride(i, rows, columns, sides)):
            if plane.on_wall(i, j, rows, columns, sides):
                q = i * (columns + 2) + j
                for n in range(6):
                    g[n, q] = 0
                g[6, q] = g_value[q]


@kernel()
def gather_fields(out, g, start, stop, columns, ratios):
    """Write the gradients of u, v, Dx, Dy into planes 0 to 3 of `out`; the borders of `g` must be filled."""
    b, b_north, b_south, b_west, b_east = plane.stencil_views(g[0], start, stop, columns)
    _, e_north, e_south, e_west, e_east = plane.stencil_views(g[1], start, stop, columns)
    north, _, next_north, _, _ = plane.stencil_views(g[2], start, stop, columns)
    south, last_south, _, _, _ = plane.stencil_views(g[3], start, stop, columns)
    west, _, _, _, next_west = plane.stencil_views(g[4], start, stop, columns)
    east, _, _, last_east, _ = plane.stencil_views(g[5], start, stop, columns)
    g_u, g_v, g_Dx, g_Dy = out[0, start:stop], out[1, start:stop], out[2, start:stop], out[3, start:stop]
    for q in range(g_u.size):
        x_before, x_after = (north[q], next_north[q]), (south[q], last_south[q])
        y_before, y_after = (west[q], next_west[q]), (east[q], last_east[q])
        g_u[q] = stencil.velocity_adjoint((e_north[q], e_south[q]), x_before, x_after, ratios.x, ratios)
        g_v[q] = stencil.velocity_adjoint((e_west[q], e_east[q]), y_before, y_after, ratios.y, ratios)
        x_b, y_b = (b[q], b_north[q], b_south[q]), (b[q], b_west[q], b_east[q])
        g_Dx[q] = stencil.diffusivity_adjoint(x_b, x_before, x_after, ratios.xx, ratios)
        g_Dy[q] = stencil.diffusivity_adjoint(y_b, y_before, y_after, ratios.yy, ratios)


@kernel()
def fields_adjoint(g, c, value, fields, extent, ratios):
    """Turn the gradients of the coefficients into those of u, v, Dx, Dy, in c[0] to c[3], and of the source, in g[6].

    `value` is a plane of scratch.
    """
    rows, columns, sides = extent.rows, extent.columns, extent.sides
    start, stop = columns + 2, (rows + 1) * (columns + 2)
    copy_run(value, 0, g[6], 0, value.size)
    assemble_adjoint(g, c, fields[2], fields[3], start, stop, columns, ratios)
    release_walls(g, value, rows, columns, sides)
    plane.wrap(g[0], rows, columns, sides)
    plane.wrap(g[1], rows, columns, sides)
    wrap_rows_transposed(g[2], g[3], rows, columns, sides)
    wrap_columns_transposed(g[4], g[5], rows, columns, sides)
    gather_fields(c, g, start, stop, columns, ratios)


@kernel()
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


@kernel()
def copy_levels(target, at, source, start):
    """Copy two successive padded planes."""
    for k in range(2):
        copy_run(target[at + k], 0, source[start + k], 0, source.shape[1])


@kernel()
def store_gradient(out, wanted, which, a, p, cells, rows, columns):
    """Write the gradient of one input on plane p: per cell, or its sum where the input has one value a plane."""
    if not wanted[which]:
        return
    if cells == 1 and rows * columns > 1:
        out[which][p] = plane.total(a, rows, columns)
    else:
        plane.store_rows(out[which][p * cells : (p + 1) * cells], a, 0, rows, columns)


@kernel()
def advance(history, k, stride, filtered, c, extent, ratios):
    """Compute the levels after step k of a segment from those before it; the border of H[k] is filled."""
    rows, columns = extent.rows, extent.columns
    start, stop = columns + 2, (rows + 1) * (columns + 2)
    now, old, new = history[stride * k + 1], history[stride * k], history[stride * (k + 1) + 1]
    plane.wrap(now, rows, columns, extent.sides)
    plane.sweep(new, c, now, old, start, stop, columns)
    if stride == 2:
        kept = history[stride * (k + 1)]
        copy_run(kept, 0, now, 0, now.size)
        if filtered:
            plane.move(new, kept, old, start, stop, ratios)


@kernel()
def mark_segments(marks, history, stride, c, segment, extent, ratios):
    """Run to the start of the last segment; keep the two levels at the start of each earlier one in `marks`."""
    for s in range(marks.shape[0] // 2):
        copy_levels(marks, 2 * s, history, 0)
        for k in range(segment):
            advance(history, k, stride, s * segment + k >= extent.unfiltered, c, extent, ratios)
        copy_levels(history, 0, history, stride * segment)


@kernel()
def adjoint_planes(out, wanted, cotangent, cotangent_old, arrays, table, ratios, extent, first, last):
    """Pull the cotangents of H[K] and H[K-1] (empty: zero) back to the inputs, planes first..last-1; K >= 1.

    Level k of a segment is history[stride k + 1], the level before it history[stride k]: without filter they are
    successive planes (stride 1); with it the older one has been moved since, and both are kept (stride 2).
    """
    rows, columns, steps, sides = extent.rows, extent.columns, extent.steps, extent.sides
    cells = rows * columns
    start, stop = columns + 2, (rows + 1) * (columns + 2)
    segment = steps if steps <= SEGMENT else math.ceil(math.sqrt(2.0 * steps))
    segments = (steps + segment - 1) // segment
    any_field = wanted[2] or wanted[3] or wanted[4] or wanted[5] or wanted[6]
    stride = 2 if extent.unfiltered < steps else 1

    c = plane.padded_planes(COEFFICIENTS, rows, columns, cotangent)
    g = plane.padded_planes(COEFFICIENTS, rows, columns, cotangent)
    fields = plane.padded_planes(5, rows, columns, cotangent)
    lams = plane.padded_planes(2 * stride + 1, rows, columns, cotangent)
    history = plane.padded_planes(stride * segment + 2, rows, columns, cotangent)
    marks = plane.padded_planes(2 * (segments - 1), rows, columns, cotangent)

    for p in range(first, last):
        load_fields(fields, arrays, table, p, extent)
        load_levels(history[1], history[0], arrays, table, p, rows, columns)
        # The adjoint of step k leaves lam = dL/dH[k], lam_old = dL/dH[k+1], lam_new = dL/dH[k+2]; with a filter
        # lam_old is all that H[k-1] receives.
        lam, lam_old, lam_new = lams[0], lams[1], lams[2]
        plane.load_rows(lam, cotangent[p * cells : (p + 1) * cells], 0, rows, columns)
        lam_old.fill(0)
        if stride == 2 and cotangent_old.size:
            plane.load_rows(lam_old, cotangent_old[p * cells : (p + 1) * cells], 0, rows, columns)

        # As in the forward run, the next plane's inputs are asked for a few at a time.
        following = min(p + 1, last - 1)
        for which in range(3):
            prefetch_input(arrays, table, which, following)
        assemble_plane(c, fields, start, stop, extent, ratios)
        wrap_rows_transposed(c[2], c[3], rows, columns, sides)
        wrap_columns_transposed(c[4], c[5], rows, columns, sides)
        mark_segments(marks, history, stride, c, segment, extent, ratios)

        prefetch_input(arrays, table, 3, following)
        prefetch_input(arrays, table, 4, following)
        begun = False
        for s in range(segments - 1, -1, -1):
            if s < segments - 1:
                copy_levels(history, 0, marks, 2 * s)
            length = min(segment, steps - s * segment)
            for k in range(length - 1):
                advance(history, k, stride, s * segment + k >= extent.unfiltered, c, extent, ratios)
            plane.wrap(history[stride * (length - 1) + 1], rows, columns, sides)
            waiting = False  # a step whose gradients wait for those of the one before
            for k in range(length - 1, -1, -1):
                if stride == 2:
                    mu, rest = lams[3], lams[4]
                    filtered = s * segment + k >= extent.unfiltered
                    filter_adjoint(mu, rest, lam_new, lam, lam_old, c[0], start, stop, ratios, filtered)
                    plane.wrap(mu, rows, columns, sides)
                    pull_filtered(lam, c, mu, rest, start, stop, columns)
                    lam_old, lam_new = lam_new, lam_old
                    if any_field and not begun:
                        begin(g, mu, history[2 * k + 1], history[2 * k], start, stop, columns)
                    elif any_field:
                        accumulate(g, mu, history[2 * k + 1], history[2 * k], start, stop, columns)
                    begun = True
                    continue
                plane.wrap(lam, rows, columns, sides)
                pull(lam_new, c, lam, lam_old, start, stop, columns)
                lam, lam_old, lam_new = lam_new, lam, lam_old
                if not begun and cotangent_old.size:
                    plane.load_rows(fields[4], cotangent_old[p * cells : (p + 1) * cells], 0, rows, columns)
                    plane.add(lam, fields[4], start, stop)
                if any_field:
                    if not begun:
                        begin(g, lam_old, history[k + 1], history[k], start, stop, columns)
                    elif waiting:
                        accumulate_pair(
                            g, lam_new, history[k + 2], lam_old, history[k + 1], history[k], start, stop, columns
                        )
                    waiting = begun and not waiting
                begun = True
            if waiting:
                accumulate(g, lam_old, history[1], history[0], start, stop, columns)

        prefetch_input(arrays, table, 5, following)
        prefetch_input(arrays, table, 6, following)
        if stride == 1:
            plane.multiply(lam_old, c[0], start, stop)
        if any_field:
            fields_adjoint(g, c, lam_new, fields, extent, ratios)
        gradients = (lam, lam_old, g[6], c[0], c[1], c[2], c[3])
        for which in range(len(gradients)):
            store_gradient(out, wanted, which, gradients[which], p, table[which, 0], rows, columns)
