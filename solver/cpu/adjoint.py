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
from solver.cpu.columns import make_room, open_inputs
from solver.cpu.copying import LINE, copy_run
from solver.cpu.layout import DX, DY, OLD, SOURCE, U, V
from solver.cpu.loading import CHUNK, inner, request, row, scratch
from solver.cpu.padded import begin_padded, open_padded
from solver.cpu.pointers import keep_alive, pointer
from solver.cpu.sharing import share_out
from solver.cpu.storing import (
    GRADIENTS,
    add_run,
    finish_levels,
    finish_plane,
    free_planes,
    make_gradients,
    open_pending,
    piece,
    write_pending,
)
from solver.cpu.streaming import fence
from solver.cpu.tiles import fill_run
from solver.cpu.uniform import look_ahead, turn_to
from solver.cpu.vectors import take_widest

SEGMENT = 16


@kernel(part=True)
def segment_length(steps):
    """Return how many steps are recomputed at once."""
    return steps if steps <= SEGMENT else math.ceil(math.sqrt(2.0 * steps))


@kernel(apart=True, part=True)
def advance(levels, c, k, start, stop, columns, ahead, first, last):
    """Compute levels[k] from the two before it; meanwhile ask for the planes at ahead[first : last]."""
    take_widest()
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
    take_widest()
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


@kernel(part=True)
def part(count, turn, turns):
    """Return the first and the last of `count` that are due in a turn; none in turns that are left over."""
    return count * min(turn, turns) // turns, count * min(turn + 1, turns) // turns


@kernel(part=True)
def copy_pair(target, at, source, start):
    """Copy two successive padded planes."""
    copy_run(row(target, at), 0, row(source, start), 0, 2 * source.shape[1])


@kernel(part=True)
def mark_segments(marks, levels, c, segment, extent, ahead):
    """Run to the start of the last segment; keep the two levels at the start of each earlier one in `marks`."""
    rows, columns = extent.rows, extent.columns
    start, stop = inner(rows, columns)
    for s in range(marks.shape[0] // 2):
        copy_pair(marks, 2 * s, levels, 0)
        for k in range(segment):
            plane.wrap(row(levels, k + 1), rows, columns, extent.sides)
            advance(levels, c, k + 2, start, stop, columns, ahead, 0, 0)
        copy_pair(levels, 0, levels, segment)


@kernel(part=True)
def load_rows(a, memory, at, extent):
    """Copy the plane at offset `at` of some memory into a padded one."""
    for i in range(extent.rows):
        copy_run(a, (i + 1) * (extent.columns + 2) + 1, memory, at + i * extent.columns, extent.columns)


@kernel(part=True)
def load_diffusivities(D, memory, extent):
    """Fill two padded planes with Dx and Dy, each along its axis."""
    for n in range(2):
        load_rows(row(D, n), memory[DY] if n else memory[DX], 0, extent)
        plane.wrap(row(D, n), extent.rows, extent.columns, extent.sides)


@kernel()
def adjoint_planes(targets, cotangents, batch, ratios, extent, general, span):
    """Pull the cotangents of H[K] and H[K-1] (empty: zero) back to the inputs, the planes of a span; K >= 1.

    `general` is None for the published forms: it is a constant of the compilation.
    """
    share_out(adjoint_some, (targets, cotangents, batch, ratios, extent, general), span)


@kernel(part=True)
def adjoint_some(targets, cotangents, batch, ratios, extent, general, first, last):
    """Do so for planes first..last-1."""
    rows, columns, like = extent.rows, extent.columns, cotangents[0]
    segment = segment_length(extent.steps)
    segments = (extent.steps + segment - 1) // segment
    # In one piece: apart, planes could lie at the same place of a page.
    planes = scratch(20 + 2 * (segment + segments), rows, columns, like)
    gradients, notes_of_pending = make_gradients(rows * columns, like), np.zeros(GRADIENTS + 1, np.int64)
    pending = open_pending(gradients, targets, notes_of_pending, rows * columns)
    arrays, table = batch
    room = make_room(arrays, table, rows, rows * columns, like)
    source, ends = open_inputs(arrays, table, rows, rows * columns, room)
    adjoint_in(planes, pending, targets, cotangents, source, ends, ratios, extent, general, first, last)
    keep_alive(gradients, notes_of_pending, batch, room)


@kernel(part=True)
def adjoint_in(planes, pending, targets, cotangents, batch, ends, ratios, extent, general, first, last):
    """Do so in the scratch that is given.

    In a segment that starts at step 0, levels[k + 1] is H[k] and lams[k] is dL/dH[k]. The last of `sums` is for use on
    the way, the last of `lams` is zero.
    """
    of_now, of_old = cotangents
    given, given_old, asked_too = pointer(of_now, 0), pointer(of_old, 0), of_now.ctypes.data
    rows, columns, steps, sides = extent.rows, extent.columns, extent.steps, extent.sides
    cells, (start, stop) = rows * columns, inner(rows, columns)
    wanted, joined = targets.wanted, targets.joined
    segment = segment_length(steps)
    segments = (steps + segment - 1) // segment
    any_field = joined[SOURCE] or wanted[SOURCE] or wanted[U] or wanted[V] or wanted[DX] or wanted[DY]
    D, c, sums = planes[:2], planes[2:9], planes[9:17]
    lams, rest = planes[17 : 20 + segment], planes[20 + segment :]
    levels, marks = rest[: segment + 2], rest[segment + 2 : segment + 2 * segments]
    padded = open_padded(c, levels, columns)
    ahead, line = batch.ahead, LINE // extent.itemsize

    for p in range(first, last):
        g = free_planes(pending)
        memory = turn_to(batch, p, first)
        load_rows(row(levels, 0), memory[OLD], 0, extent)
        begin_padded(padded, memory, ends, extent, ratios)
        plane.wrap(row(levels, 1), rows, columns, sides)
        wrap_rows_transposed(row(c, 2), row(c, 3), rows, columns, sides)
        wrap_columns_transposed(row(c, 4), row(c, 5), rows, columns, sides)
        mark_segments(marks, levels, c, segment, extent, ahead)

        # The next plane's inputs are asked for in turns, during the sweeps of the last segment.
        following = min(p + 1, last - 1)
        streams = look_ahead(batch, following)
        ahead[streams] = asked_too + following * cells * extent.itemsize
        streams += 1
        made = 1 if segments == 1 else 0  # step has been made already
        sweeps = steps - (segments - 1) * segment
        turns, turn = max(0, sweeps - 1 - made) + sweeps, 0
        cut = (cells // turns + line) // line * line
        begun = False
        for s in range(segments - 1, -1, -1):
            length = min(segment, steps - s * segment)
            if s == segments - 1:
                load_rows(row(lams, length), given, p * cells, extent)
                fill_run(row(lams, length + 1), 0, lams.shape[1], ratios.one - ratios.one)
            else:
                copy_pair(levels, 0, marks, 2 * s)
                copy_pair(lams, length, lams, 0)
            for k in range(made, length - 1):
                plane.wrap(row(levels, k + 1), rows, columns, sides)
                asked = part(streams, turn, turns)
                write_pending(pending, *piece(cut, cells, turn, turns))
                advance(levels, c, k + 2, start, stop, columns, ahead, asked[0], asked[1])
                turn += 1
            plane.wrap(row(levels, length), rows, columns, sides)
            for k in range(length - 1, -1, -1):
                plane.wrap(row(lams, k + 1), rows, columns, sides)
                asked = part(streams, turn, turns)
                write_pending(pending, *piece(cut, cells, turn, turns))
                pull(lams, c, k, start, stop, columns, ahead, asked[0], asked[1])
                turn += 1
                if s == segments - 1 and k == length - 1 and of_old.size:
                    load_rows(row(sums, 7), given_old, p * cells, extent)
                    add_run(row(lams, k), columns + 2, row(sums, 7), columns + 2, rows * (columns + 2))
            done = length if any_field else 0
            while done > 0:
                count = min(GROUP, done)
                done -= count
                group = group_rows(done, count, segment + 2)
                if general is None:
                    if s == 0 and done == 0:
                        published_fields_adjoint(g, sums, c, lams, levels, group, begun, memory, extent, ratios)
                    else:
                        accumulate(sums, lams, levels, group, begun, start, stop, columns)
                else:
                    accumulate(sums, lams, levels, group, begun, start, stop, columns)
                begun = True
        finish_levels(g, c, lams, extent)
        if general is not None and any_field:
            load_diffusivities(D, memory, extent)
            fields_adjoint(g, sums, c, D, extent, ratios)
        finish_plane(pending, targets, batch.table, p, cells, True, ratios.one - ratios.one)
    write_pending(pending, 0, cells)
    fence()
