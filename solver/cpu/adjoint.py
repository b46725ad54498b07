"""The adjoint of K steps without filter, of every plane of a batch: gradients of all seven inputs, any form.

Nothing of the forward run is kept: the states are computed again in a scratch that stays in cache. A run of more steps
than `solver.cpu.segments` lets pass is cut into segments of about sqrt(2K): the first pass marks the two levels at the
start of each, then each is recomputed, last first, so the scratch of a thread grows with sqrt(K), not K, at the price
of one more forward run.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from solver.compiling import kernel
from solver.cpu.adjoint_fields import published_fields_adjoint
from solver.cpu.adjoint_forms import any_fields_adjoint, make_padded
from solver.cpu.adjoint_scratch import group_at, lam_at, level_at, make_scratch, open_scratch
from solver.cpu.adjoint_segments import advance, go_back, mark_segments
from solver.cpu.adjoint_sums import GROUP, accumulate, slots_of_group
from solver.cpu.adjoint_sweep import pull_flat, shift_columns
from solver.cpu.columns import make_room, open_inputs
from solver.cpu.flat import begin_flat
from solver.cpu.inside import Asked
from solver.cpu.layout import NOW, OLD
from solver.cpu.meanwhile import Meanwhile, do_meanwhile
from solver.cpu.pointers import keep_alive, pointer
from solver.cpu.segments import segment_length, segments_of
from solver.cpu.sharing import share_out
from solver.cpu.stack import cells_of_stack, column_in, gather_beside, gather_ends, plane_in
from solver.cpu.storing import (
    GRADIENTS,
    add_run,
    finish_plane,
    free_planes,
    make_gradients,
    open_pending,
    wants_fields,
    write_pending,
)
from solver.cpu.streaming import fence
from solver.cpu.tiles import fill_run
from solver.cpu.uniform import look_ahead, turn_to


class Given(NamedTuple):
    """The cotangents of a plane: pointers to dL/dH[K] and dL/dH[K-1]."""

    now: Any
    old: Any
    has_old: bool
    "whether there is one of H[K-1]: else it is zero"


@kernel()
def adjoint_planes(targets, cotangents, batch, ratios, extent, general, span):
    """Pull the cotangents of H[K] and H[K-1] (empty: zero) back to the inputs, the planes of a span; K >= 1.

    `general` is None for the published forms: it is a constant of the compilation.
    """
    share_out(adjoint_some, (targets, cotangents, batch, ratios, extent, general), span)


@kernel(part=True)
def adjoint_some(targets, cotangents, batch, ratios, extent, general, first, last):
    """Do so for planes first..last-1."""
    (arrays, table), like = batch, cotangents[0]
    rows, columns, cells = extent.rows, extent.columns, extent.rows * extent.columns
    segment = segment_length(extent.steps, cells_of_stack(1, rows, cells, extent.itemsize) * extent.itemsize)
    segments = segments_of(extent.steps, segment)
    store = make_scratch(segment, segments, rows, cells, like)
    padded = make_padded(general, rows, columns, like)
    gradients, notes_of_pending = make_gradients(cells, like), np.zeros(GRADIENTS + 1, np.int64)
    pending = open_pending(gradients, targets, notes_of_pending, cells)
    room = make_room(arrays, table, rows, cells, like)
    source, ends = open_inputs(arrays, table, rows, cells, room)
    scratch = open_scratch(store, segment, segments, rows, cells)
    adjoint_in(scratch, padded, pending, targets, cotangents, source, ends, ratios, extent, general, first, last)
    keep_alive(store, gradients, notes_of_pending, batch, room)


@kernel(part=True)
def adjoint_in(scratch, padded, pending, targets, cotangents, batch, ends, r, extent, general, first, last):
    """Do so in the scratch that is given."""
    of_now, of_old = cotangents
    cells, any_field = extent.rows * extent.columns, wants_fields(targets)
    for p in range(first, last):
        g, memory = free_planes(pending), turn_to(batch, p, first)
        given = Given(pointer(of_now, p * cells), pointer(of_old, p * cells), of_old.size > 0)
        begin_flat(scratch.flat, 2, memory, Asked(batch.ahead, 0), ends, extent, r)
        gather_ends(scratch.flat.levels, 0, memory[OLD], extent, r.one)
        shift_columns(scratch.flat.coefficients, extent, r.one)
        mark_segments(scratch, memory, Asked(batch.ahead, 0), extent, r)
        following = min(p + 1, last - 1)
        streams = look_ahead(batch, following)
        batch.ahead[streams] = of_now.ctypes.data + following * cells * extent.itemsize
        groups = 0
        for s in range(scratch.segments - 1, -1, -1):
            length = min(scratch.segment, extent.steps - s * scratch.segment)
            if s == scratch.segments - 1:
                run_last_segment(scratch, g, memory, given, pending, Asked(batch.ahead, streams + 1), length, extent, r)
            else:
                go_back(scratch, memory, s, extent, r.one)
                run_segment(scratch, g, memory, given, s, Asked(batch.ahead, 0), extent, r)
            if any_field:
                groups = sum_segment(scratch, g, memory, given.now, ends, s, length, groups, extent, general, r)
        multiply(g[OLD], scratch.flat.c[0], lam_at(scratch, given.now, 0, 1, extent.steps), cells)
        if general is not None and any_field:
            any_fields_adjoint(g, padded, scratch.flat, scratch.sums, groups, memory, extent, r)
        finish_plane(pending, targets, batch.table, p, cells, True, r.one - r.one)
    write_pending(pending, 0, cells)
    fence()


@kernel(part=True)
def run_last_segment(scratch, g, memory, given, pending, asked, length, extent, r):
    """Make the levels of the last segment and their gradients; ask for the next plane and write the last meanwhile.

    With one segment its first step is made already.
    """
    cells, s, made = extent.rows * extent.columns, scratch.segments - 1, 1 if scratch.segments == 1 else 0
    gather_ends(scratch.lams, length, given.now, extent, r.one)
    if scratch.segments > 1:  # the last plane's earlier segments have written there
        clear(scratch.lams, length + 1, extent, r.one - r.one)
    sweeps = max(0, length - 1 - made)
    meanwhile = Meanwhile(pending, asked, sweeps + length)
    for turn in range(sweeps):
        advance(scratch, memory, s, made + turn, do_meanwhile(meanwhile, turn, cells), extent, r)
    gather_beside(scratch.flat.levels, length, level_at(scratch, memory, s, length), extent, r.one)
    for k in range(length - 1, -1, -1):
        turn = sweeps + length - 1 - k
        to = pull_back(scratch, g, given, s, k, length, do_meanwhile(meanwhile, turn, cells), extent, r)
        if given.has_old and k == length - 1:
            add_run(to, 0, given.old, 0, cells)
            gather_ends(scratch.lams, k, to, extent, r.one)


@kernel(part=True)
def run_segment(scratch, g, memory, given, s, asked, extent, r):
    """Make the levels of an earlier segment, whose first two are there, and their gradients."""
    length = scratch.segment
    for j in range(length - 1):
        advance(scratch, memory, s, j, asked, extent, r)
    gather_beside(scratch.flat.levels, length, level_at(scratch, memory, s, length), extent, r.one)
    for k in range(length - 1, -1, -1):
        pull_back(scratch, g, given, s, k, length, asked, extent, r)


@kernel(inline=True)
def pull_back(scratch, g, given, s, k, length, asked, extent, r):
    """Make dL/dH[k] of a segment, and return where it lies: at the start it is the gradient of H[0]."""
    to = g[NOW] if s == 0 and k == 0 else plane_in(scratch.lams, k)
    lam, later = lam_at(scratch, given.now, s, k + 1, length), lam_at(scratch, given.now, s, k + 2, length)
    pull_flat(scratch.flat, scratch.lams, k, to, lam, later, asked, extent, r)
    return to


@kernel(part=True)
def sum_segment(scratch, g, memory, given, columns, s, length, groups, extent, general, r):
    """Add the gradients of the steps of segment s to the sums over so many groups, and return how many these are then.

    The last of all go on to the gradients of the fields.
    """
    flat, lams, sums = scratch.flat, scratch.lams, scratch.sums
    done = length
    while done > 0:
        count = min(GROUP, done)
        done -= count
        slots = slots_of_group(done, count, scratch.segment + 2)
        group = group_at(scratch, memory, given, slots, s, length)
        if general is None:
            if s == 0 and done == 0:
                published_fields_adjoint(g, flat, sums, groups, slots, lams, group, memory, columns, extent, r)
            else:
                accumulate(sums, groups, slots, group, flat.levels, lams, extent, r)
        else:
            accumulate(sums, groups, slots, group, flat.levels, lams, extent, r)
        groups += 1
    return groups


@kernel(part=True)
def clear(stack, k, extent, zero):
    """Set a plane and its columns to zero."""
    fill_run(plane_in(stack, k), 0, extent.rows * extent.columns, zero)
    for last in range(2):
        fill_run(column_in(stack, k, last), -1, extent.rows + 2, zero)


@kernel(apart=True, part=True)
def multiply(to, a, b, cells):
    """Set a plane to the product of two."""
    for q in range(cells):
        to[q] = a[q] * b[q]
