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
from solver.cpu.forward import COEFFICIENTS, load_fields, load_levels, prefetch_input

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
def assemble_adjoint(g, c, Dx, Dy, start, stop, ratios):
    """Turn the gradients of the coefficients, in place, into those of (u, v, Dx, Dy, source), planes 0 to 4.

    The part of u and v that goes through the divergence stays in plane 5: `add_divergence` gathers it.
    """
    g0, g1, g2, g3, g4, g5, g6 = plane.seven(g, start, stop)
    c0, c1, c2, c3, c4, c5, c6 = plane.seven(c, start, stop)
    Dx, Dy = Dx[start:stop], Dy[start:stop]
    for q in range(g0.size):
        point = (c0[q], c1[q], c2[q], c3[q], c4[q], c5[q], c6[q])
        gradient = (g0[q], g1[q], g2[q], g3[q], g4[q], g5[q], g6[q])
        g0[q], g1[q], g2[q], g3[q], g4[q], g5[q] = stencil.assemble_adjoint(point, gradient, Dx[q], Dy[q], ratios)


@kernel()
def add_divergence(g_u, g_v, g_jump, start, stop, columns, ratios):
    """Gather from the neighbours what u and v owe to u_x and v_y; the border of `g_jump` must be wrapped."""
    S = columns + 2
    north, south = g_jump[start - S : stop - S], g_jump[start + S : stop + S]
    west, east = g_jump[start - 1 : stop - 1], g_jump[start + 1 : stop + 1]
    g_u, g_v = g_u[start:stop], g_v[start:stop]
    for q in range(g_u.size):
        g_u[q] += ratios.x * (south[q] - north[q])
        g_v[q] += ratios.y * (east[q] - west[q])


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
def mark_segments(marks, history, c, segment, rows, columns):
    """Run to the start of the last segment; keep the two levels at the start of each earlier one in `marks`."""
    start, stop = columns + 2, (rows + 1) * (columns + 2)
    for s in range(marks.shape[0] // 2):
        copy_levels(marks, 2 * s, history, 0)
        for k in range(segment):
            plane.wrap(history[k + 1], rows, columns)
            plane.sweep(history[k + 2], c, history[k + 1], history[k], start, stop, columns)
        copy_levels(history, 0, history, segment)


@kernel()
def replay(history, c, length, rows, columns):
    """Compute the levels of one segment of `length` steps from its first two, borders wrapped."""
    start, stop = columns + 2, (rows + 1) * (columns + 2)
    plane.wrap(history[1], rows, columns)
    for k in range(1, length):
        plane.sweep(history[k + 1], c, history[k], history[k - 1], start, stop, columns)
        plane.wrap(history[k + 1], rows, columns)


@kernel()
def adjoint_planes(out, wanted, cotangent, cotangent_old, arrays, table, ratios, extent, first, last):
    """Pull the cotangents of H[K] and H[K-1] (empty: zero) back to the inputs, planes first..last-1; K >= 1."""
    rows, columns, steps = extent
    cells = rows * columns
    start, stop = columns + 2, (rows + 1) * (columns + 2)
    segment = steps if steps <= SEGMENT else math.ceil(math.sqrt(2.0 * steps))
    segments = (steps + segment - 1) // segment
    any_field = wanted[2] or wanted[3] or wanted[4] or wanted[5] or wanted[6]

    c = plane.padded_planes(COEFFICIENTS, rows, columns, cotangent)
    g = plane.padded_planes(COEFFICIENTS, rows, columns, cotangent)
    fields = plane.padded_planes(5, rows, columns, cotangent)
    lams = plane.padded_planes(3, rows, columns, cotangent)
    history = plane.padded_planes(segment + 2, rows, columns, cotangent)
    marks = plane.padded_planes(2 * (segments - 1), rows, columns, cotangent)

    for p in range(first, last):
        load_fields(fields, arrays, table, p, rows, columns)
        load_levels(history[1], history[0], arrays, table, p, rows, columns)
        # The adjoint of step k leaves lam = dL/dH[k], lam_old = dL/dH[k+1], lam_new = dL/dH[k+2].
        lam, lam_old, lam_new = lams[0], lams[1], lams[2]
        plane.load_rows(lam, cotangent[p * cells : (p + 1) * cells], 0, rows, columns)
        lam_old.fill(0)

        # As in the forward run, the next plane's inputs are asked for a few at a time.
        following = min(p + 1, last - 1)
        for which in range(3):
            prefetch_input(arrays, table, which, following)
        plane.assemble(c, fields[0], fields[1], fields[2], fields[3], fields[4], start, stop, columns, ratios)
        for k in range(2, 6):
            plane.wrap(c[k], rows, columns)
        mark_segments(marks, history, c, segment, rows, columns)

        prefetch_input(arrays, table, 3, following)
        prefetch_input(arrays, table, 4, following)
        begun = False
        for s in range(segments - 1, -1, -1):
            if s < segments - 1:
                copy_levels(history, 0, marks, 2 * s)
            length = min(segment, steps - s * segment)
            replay(history, c, length, rows, columns)
            waiting = False  # a step whose gradients wait for those of the one before
            for k in range(length - 1, -1, -1):
                plane.wrap(lam, rows, columns)
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
        plane.multiply(lam_old, c[0], start, stop)
        if any_field:
            assemble_adjoint(g, c, fields[2], fields[3], start, stop, ratios)
            plane.wrap(g[5], rows, columns)
            add_divergence(g[0], g[1], g[5], start, stop, columns, ratios)
        gradients = (lam, lam_old, g[4], g[0], g[1], g[2], g[3])
        for which in range(len(gradients)):
            store_gradient(out, wanted, which, gradients[which], p, table[which, 0], rows, columns)
