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

from numba import prange

from solver import stencil
from solver.compiling import kernel
from solver.cpu import plane
from solver.cpu.copying import copy_run
from solver.cpu.forward import COEFFICIENTS, load_fields, load_level

SEGMENT = 16


@kernel()
def pull(lam_out, c, lam, lam_old, start, stop, columns):
    """One step of the adjoint: lam_out = dL/dH[k] from lam = dL/dH[k+1] and lam_old = dL/dH[k+2].

    Reads the coefficients of the neighbours: the borders of `c` must be wrapped.
    """
    S = columns + 2
    north, south = lam[start - S : stop - S], lam[start + S : stop + S]
    west, east = lam[start - 1 : stop - 1], lam[start + 1 : stop + 1]
    lam_out, lam, lam_old = lam_out[start:stop], lam[start:stop], lam_old[start:stop]
    c_old, c_centre = c[0, start:stop], c[1, start:stop]
    c_north, c_south = c[3, start - S : stop - S], c[2, start + S : stop + S]
    c_west, c_east = c[5, start - 1 : stop - 1], c[4, start + 1 : stop + 1]
    zero = lam.dtype.type(0)
    for q in range(lam.size):
        point = (c_old[q], c_centre[q], c_north[q], c_south[q], c_west[q], c_east[q], zero)
        lam_out[q] = stencil.step(point, lam_old[q], lam[q], north[q], south[q], west[q], east[q])


@kernel()
def accumulate(g, lam, now, old, start, stop, columns):
    """Add the gradients of one step with respect to its seven coefficients."""
    S = columns + 2
    north, south = now[start - S : stop - S], now[start + S : stop + S]
    west, east = now[start - 1 : stop - 1], now[start + 1 : stop + 1]
    lam, now, old = lam[start:stop], now[start:stop], old[start:stop]
    g0, g1, g2, g3 = g[0, start:stop], g[1, start:stop], g[2, start:stop], g[3, start:stop]
    g4, g5, g6 = g[4, start:stop], g[5, start:stop], g[6, start:stop]
    for q in range(lam.size):
        g0[q] += lam[q] * old[q]
        g1[q] += lam[q] * now[q]
        g2[q] += lam[q] * north[q]
        g3[q] += lam[q] * south[q]
        g4[q] += lam[q] * west[q]
        g5[q] += lam[q] * east[q]
        g6[q] += lam[q]


@kernel()
def assemble_adjoint(g, c, Dx, Dy, start, stop, ratios):
    """Turn the gradients of the coefficients, in place, into those of (u, v, Dx, Dy, source), planes 0 to 4.

    The part of u and v that goes through the divergence stays in plane 5: `add_divergence` gathers it.
    """
    g0, g1, g2, g3 = g[0, start:stop], g[1, start:stop], g[2, start:stop], g[3, start:stop]
    g4, g5, g6 = g[4, start:stop], g[5, start:stop], g[6, start:stop]
    c0, c1, c2, c3 = c[0, start:stop], c[1, start:stop], c[2, start:stop], c[3, start:stop]
    c4, c5, c6 = c[4, start:stop], c[5, start:stop], c[6, start:stop]
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
def adjoint_planes(out, wanted, cotangent, cotangent_old, arrays, table, ratios, extent, first, last):
    """Pull the cotangents of H[K] and H[K-1] (empty: zero) back to the inputs, planes first..last-1."""
    rows, columns, steps = extent
    cells = rows * columns
    start, stop = columns + 2, (rows + 1) * (columns + 2)
    segment = steps if steps <= SEGMENT else math.ceil(math.sqrt(2.0 * steps))
    segments = (steps + segment - 1) // segment if steps else 0
    any_field = wanted[2] or wanted[3] or wanted[4] or wanted[5] or wanted[6]

    c = plane.padded_planes(COEFFICIENTS, rows, columns, cotangent)
    g = plane.padded_planes(COEFFICIENTS, rows, columns, cotangent)
    fields = plane.padded_planes(5, rows, columns, cotangent)
    lams = plane.padded_planes(3, rows, columns, cotangent)
    history = plane.padded_planes(segment + 2, rows, columns, cotangent)
    marks = plane.padded_planes(2 * max(segments - 1, 0), rows, columns, cotangent)

    for p in range(first, last):
        load_fields(fields, arrays, table, p, rows, columns)
        plane.assemble(c, fields[0], fields[1], fields[2], fields[3], fields[4], start, stop, columns, ratios)
        for k in range(2, 6):
            plane.wrap(c[k], rows, columns)
        g.fill(0)

        load_level(history[0], arrays, table, 1, p, rows, columns)
        load_level(history[1], arrays, table, 0, p, rows, columns)
        for s in range(segments - 1):
            copy_levels(marks, 2 * s, history, 0)
            for k in range(segment):
                plane.wrap(history[k + 1], rows, columns)
                plane.sweep(history[k + 2], c, history[k + 1], history[k], start, stop, columns)
            copy_levels(history, 0, history, segment)

        lam, lam_old, lam_new = lams[0], lams[1], lams[2]
        plane.load_rows(lam, cotangent[p * cells : (p + 1) * cells], 0, rows, columns)
        lam_old.fill(0)
        add_old = cotangent_old.size > 0
        if add_old and steps == 0:
            plane.load_rows(lam_old, cotangent_old[p * cells : (p + 1) * cells], 0, rows, columns)

        for s in range(segments - 1, -1, -1):
            if s < segments - 1:
                copy_levels(history, 0, marks, 2 * s)
            length = min(segment, steps - s * segment)
            plane.wrap(history[1], rows, columns)
            for k in range(1, length):
                plane.sweep(history[k + 1], c, history[k], history[k - 1], start, stop, columns)
                plane.wrap(history[k + 1], rows, columns)
            for k in range(length - 1, -1, -1):
                if any_field:
                    accumulate(g, lam, history[k + 1], history[k], start, stop, columns)
                plane.wrap(lam, rows, columns)
                pull(lam_new, c, lam, lam_old, start, stop, columns)
                lam, lam_old, lam_new = lam_new, lam, lam_old
                if add_old:
                    plane.load_rows(lam_new, cotangent_old[p * cells : (p + 1) * cells], 0, rows, columns)
                    for q in range(start, stop):
                        lam[q] += lam_new[q]
                    add_old = False

        if steps:
            for q in range(start, stop):
                lam_old[q] *= c[0, q]
        if any_field:
            assemble_adjoint(g, c, fields[2], fields[3], start, stop, ratios)
            plane.wrap(g[5], rows, columns)
            add_divergence(g[0], g[1], g[5], start, stop, columns, ratios)
        store_gradient(out, wanted, 0, lam, p, table[0, 0], rows, columns)
        store_gradient(out, wanted, 1, lam_old, p, table[1, 0], rows, columns)
        for slot, which in enumerate((3, 4, 5, 6, 2)):
            store_gradient(out, wanted, which, g[slot], p, table[which, 0], rows, columns)


@kernel(parallel=True)
def adjoint_planes_parallel(out, wanted, cotangent, cotangent_old, arrays, table, ratios, extent, planes, threads):
    """`adjoint_planes` with the planes shared out among the threads."""
    for t in prange(threads):
        first, last = planes * t // threads, planes * (t + 1) // threads
        adjoint_planes(out, wanted, cotangent, cotangent_old, arrays, table, ratios, extent, first, last)
