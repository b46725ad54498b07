"""The adjoint of K steps without filter, of every plane of a batch: gradients of all seven inputs, any form.

Nothing of the forward run is kept: the states are computed again in a scratch that stays in cache. A run of more
than `SEGMENT` steps is cut into segments of about sqrt(2K): the first pass marks the two levels at the start of each,
then each is recomputed, last first, so the scratch of a thread grows with sqrt(K), not K, at the price of one more
forward run.

The transpose of a gather is a gather: cell i receives south[i-1] lam[i-1] + north[i+1] lam[i+1] + ..., which is the
forward step with shifted coefficients. Nothing is scattered, so the result does not depend on the threads.
"""

from __future__ import annotations

import math

import numpy as np

from solver import stencil
from solver.compiling import kernel
from solver.cpu import plane
from solver.cpu.adjoint_fields import GROUP, accumulate, fields_adjoint, group_rows, published_fields_adjoint
from solver.cpu.adjoint_walls import wrap_columns_transposed, wrap_rows_transposed
from solver.cpu.copying import copy_run
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

SEGMENT = 16


@kernel(part=True)
def segment_length(steps):
    """Return how many steps are recomputed at once."""
    return steps if steps <= SEGMENT else math.ceil(math.sqrt(2.0 * steps))


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


@kernel(apart=True, part=True)
def advance(levels, c, k, start, stop, columns, ahead, first, last):
    """Compute levels[k] from the two before it; meanwhile ask for the planes at ahead[first : last]."""
    S, one = np.uint64(columns + 2), np.uint64(1)
    new, now, old = np.uint64(k), np.uint64(k - 1), np.uint64(k - 2)
    for begin in range(start, stop, CHUNK):
        request(ahead, first, last, begin - start, c.itemsize)
        for offset in range(CHUNK):
            q = np.uint64(begin + offset)
            n, s, w, e = q - S, q + S, q - one, q + one
            point = (c[0, q], c[1, q], c[2, q], c[3, q], c[4, q], c[5, q], c[6, q])
            H = levels[now, q], levels[now, n], levels[now, s], levels[now, w], levels[now, e]
            levels[new, q] = stencil.step(point, levels[old, q], H[0], H[1], H[2], H[3], H[4])


@kernel(apart=True, part=True)
def pull(lams, c, k, start, stop, columns, ahead, first, last):
    """Compute lams[k] = dL/dH[k] from the two after it; the borders of `c` must be wrapped for a transpose."""
    S, one = np.uint64(columns + 2), np.uint64(1)
    out, lam, after = np.uint64(k), np.uint64(k + 1), np.uint64(k + 2)
    zero = c.dtype.type(0)
    for begin in range(start, stop, CHUNK):
        request(ahead, first, last, begin - start, c.itemsize)
        for offset in range(CHUNK):
            q = np.uint64(begin + offset)
            n, s, w, e = q - S, q + S, q - one, q + one
            point = (c[0, q], c[1, q], c[3, n], c[2, s], c[5, w], c[4, e], zero)
            x = lams[lam, q], lams[lam, n], lams[lam, s], lams[lam, w], lams[lam, e]
            lams[out, q] = stencil.step(point, lams[after, q], x[0], x[1], x[2], x[3], x[4])


@kernel(apart=True, part=True)
def finish_levels(g, c, lams, start, stop):
    """Write the gradients of H[0] and H[-1]."""
    for q in range(np.uint64(start), np.uint64(stop)):
        g[NOW, q] = lams[0, q]
        g[OLD, q] = c[0, q] * lams[1, q]


@kernel(part=True)
def part(count, turn, turns):
    """Return the first and the last of `count` that are due in a turn; none in turns that are left over."""
    return count * min(turn, turns) // turns, count * min(turn + 1, turns) // turns


@kernel(part=True)
def copy_pair(target, at, source, start):
    """Copy two successive padded planes."""
    for k in range(2):
        copy_run(target[at + k], 0, source[start + k], 0, source.shape[1])


@kernel(part=True)
def mark_segments(marks, levels, c, segment, extent, ahead):
    """Run to the start of the last segment; keep the two levels at the start of each earlier one in `marks`."""
    rows, columns = extent.rows, extent.columns
    start, stop = inner(rows, columns)
    for s in range(marks.shape[0] // 2):
        copy_pair(marks, 2 * s, levels, 0)
        for k in range(segment):
            plane.wrap(levels[k + 1], rows, columns, extent.sides)
            advance(levels, c, k + 2, start, stop, columns, ahead, 0, 0)
        copy_pair(levels, 0, levels, segment)


@kernel()
def adjoint_planes(targets, cotangent, cotangent_old, arrays, table, ratios, extent, general, first, last):
    """Pull the cotangents of H[K] and H[K-1] (empty: zero) back to the inputs, planes first..last-1; K >= 1.

    `general` is None for the published forms: it is a constant of the compilation. In a segment that starts at step
    0, levels[k + 1] is H[k] and lams[k] is dL/dH[k].
    """
    rows, columns, steps, sides = extent.rows, extent.columns, extent.steps, extent.sides
    cells, (start, stop) = rows * columns, inner(rows, columns)
    joined, wanted = targets.joined, targets.wanted
    segment = segment_length(steps)
    segments = (steps + segment - 1) // segment
    any_field = joined[SOURCE] or wanted[SOURCE] or wanted[U] or wanted[V] or wanted[DX] or wanted[DY]

    # In one piece: apart, planes could lie at the same place of a page. The last of `sums` is for use on the way, the
    # last of `lams` is zero.
    planes = scratch(33 + 2 * (segment + segments), rows, columns, cotangent)
    a, c, sums, g, packed = planes[:7], planes[7:14], planes[14:22], planes[22:29], planes[29]
    lams, rest = planes[30 : 33 + segment], planes[33 + segment :]
    levels, marks = rest[: segment + 2], rest[segment + 2 : segment + 2 * segments]
    ahead = np.empty(8, np.int64)

    for p in range(first, last):
        load_inputs(a, arrays, table, joined, p, first, extent)
        source = row_of(SOURCE, joined)
        copy_run(levels[1], 0, a[NOW], 0, a.shape[1])
        copy_run(levels[0], 0, a[row_of(OLD, joined)], 0, a.shape[1])
        assemble(c, a, np.uint64(source), start, stop, columns, ratios)
        plane.hold_walls(c, a[source], 1, rows + 1, rows, columns, sides)
        wrap_rows_transposed(c[2], c[3], rows, columns, sides)
        wrap_columns_transposed(c[4], c[5], rows, columns, sides)
        mark_segments(marks, levels, c, segment, extent, ahead)

        # The next plane's inputs are asked for in turns, during the sweeps of the last segment.
        streams = look_ahead(ahead, arrays, table, joined, cotangent, min(p + 1, last - 1), cells)
        turns, turn = 2 * (steps - (segments - 1) * segment) - 1, 0
        begun = False
        for s in range(segments - 1, -1, -1):
            length = min(segment, steps - s * segment)
            if s == segments - 1:
                plane.load_rows(lams[length], cotangent[p * cells : (p + 1) * cells], 0, rows, columns)
                lams[length + 1].fill(0)
            else:
                copy_pair(levels, 0, marks, 2 * s)
                copy_pair(lams, length, lams, 0)
            for k in range(length - 1):
                plane.wrap(levels[k + 1], rows, columns, sides)
                asked = part(streams, turn, turns)
                advance(levels, c, k + 2, start, stop, columns, ahead, asked[0], asked[1])
                turn += 1
            plane.wrap(levels[length], rows, columns, sides)
            for k in range(length - 1, -1, -1):
                plane.wrap(lams[k + 1], rows, columns, sides)
                asked = part(streams, turn, turns)
                pull(lams, c, k, start, stop, columns, ahead, asked[0], asked[1])
                turn += 1
                if s == segments - 1 and k == length - 1 and cotangent_old.size:
                    plane.load_rows(packed, cotangent_old[p * cells : (p + 1) * cells], 0, rows, columns)
                    plane.add(lams[k], packed, columns + 2, (rows + 1) * (columns + 2))
            done = length if any_field else 0
            while done > 0:
                count = min(GROUP, done)
                done -= count
                group = group_rows(done, count, segment + 2)
                if general is None:
                    if s == 0 and done == 0:
                        published_fields_adjoint(g, sums, c, a, lams, levels, group, begun, extent, ratios)
                    else:
                        accumulate(sums, lams, levels, group, begun, start, stop, columns)
                else:
                    accumulate(sums, lams, levels, group, begun, start, stop, columns)
                begun = True
        finish_levels(g, c, lams, start, stop)
        if general is not None and any_field:
            fields_adjoint(g, sums, c, a, extent, ratios)
        store_gradients(targets, g, packed, table, p, extent)
    fence()
