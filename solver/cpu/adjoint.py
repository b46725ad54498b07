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
from solver.cpu.adjoint_scratch import group_at, make_scratch, open_scratch
from solver.cpu.adjoint_segments import advance, go_back, mark_segments
from solver.cpu.adjoint_sums import GROUP, accumulate, slots_of_group, sums_of
from solver.cpu.adjoint_sweep import close_coefficients, pull_plane
from solver.cpu.asking import Asked
from solver.cpu.copying import copy_run
from solver.cpu.flat import begin_plane
from solver.cpu.layout import NOW, OLD
from solver.cpu.margins import make_reading, open_reading, turn_to_whole
from solver.cpu.meanwhile import Meanwhile, do_meanwhile
from solver.cpu.pointers import keep_alive, pointer
from solver.cpu.seam import close_rows
from solver.cpu.segments import segment_length, segments_of
from solver.cpu.sharing import share_out
from solver.cpu.stack import plane_in
from solver.cpu.storing import (
    GRADIENTS,
    add_run,
    finish_plane,
    free_planes,
    make_gradients,
    open_pending,
    pitch_of,
    wants_fields,
    write_pending,
)
from solver.cpu.streaming import fence
from solver.cpu.tiles import fill_run
from solver.cpu.uniform import look_ahead


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
    segment = segment_length(extent.steps, pitch_of(cells + 2 * columns, extent.itemsize) * extent.itemsize)
    segments = segments_of(extent.steps, segment)
    store = make_scratch(segment, segments, cells, columns, like)
    padded = make_padded(general, rows, columns, like)
    gradients, notes_of_pending = make_gradients(cells, like), np.zeros(GRADIENTS + 1, np.int64)
    pending = open_pending(gradients, targets, notes_of_pending, cells)
    held = make_reading(arrays, table, rows, columns, like)
    reading = open_reading(arrays, table, extent, held)
    scratch = open_scratch(store, segment, segments, cells, columns)
    adjoint_in(scratch, padded, pending, targets, cotangents, reading, ratios, extent, general, first, last)
    keep_alive(store, gradients, notes_of_pending, batch, held)


@kernel(part=True)
def adjoint_in(scratch, padded, pending, targets, cotangents, reading, r, extent, general, first, last):
    """Do so in the scratch that is given."""
    (of_now, of_old), batch, seam = cotangents, reading.batch, reading.seam
    cells, any_field, flat = extent.rows * extent.columns, wants_fields(targets), scratch.flat
    for p in range(first, last):
        g, memory = free_planes(pending), turn_to_whole(reading, p, first)
        given = Given(pointer(of_now, p * cells), pointer(of_old, p * cells), of_old.size > 0)
        begin_plane(flat.c, plane_in(flat.levels, 2), memory, Asked(batch.ahead, 0), seam, extent, r)
        copy_run(scratch.first, 0, memory[NOW], 0, cells)
        close_rows(scratch.first, scratch.first, extent)
        memory, by = (scratch.first, *memory[1:]), close_coefficients(flat.c, extent)
        mark_segments(scratch, memory, Asked(batch.ahead, 0), seam, extent, r)
        following = min(p + 1, last - 1)
        streams = look_ahead(batch, following)
        batch.ahead[streams] = of_now.ctypes.data + following * cells * extent.itemsize
        asked, groups = Asked(batch.ahead, streams + 1), 0
        for s in range(scratch.segments - 1, -1, -1):
            length = min(scratch.segment, extent.steps - s * scratch.segment)
            if s == scratch.segments - 1:
                run_last_segment(scratch, g, memory, by, given, pending, asked, length, seam, extent, r)
            else:
                go_back(scratch, s, cells)
                run_segment(scratch, g, memory, by, s, Asked(batch.ahead, 0), seam, extent, r)
            if any_field:
                groups = sum_segment(scratch, g, memory, s, length, groups, seam, extent, general, r)
        multiply(g[OLD], flat.c[0], plane_in(scratch.lams, 1), cells)
        if general is not None and any_field:
            any_fields_adjoint(g, padded, flat, scratch.sums, groups, memory, extent, r)
        finish_plane(pending, targets, batch.table, p, cells, True, r.one - r.one)
    write_pending(pending, 0, cells)
    fence()


@kernel(part=True)
def run_last_segment(scratch, g, memory, by, given, pending, asked, length, seam, extent, r):
    """Make the levels of the last segment and their gradients; ask for the next plane and write the last meanwhile.

    With one segment its first step is made already. The cotangent is copied to where it has a border.
    """
    cells, s, made = extent.rows * extent.columns, scratch.segments - 1, 1 if scratch.segments == 1 else 0
    copy_run(plane_in(scratch.lams, length), 0, given.now, 0, cells)
    if scratch.segments > 1:  # the last plane's earlier segments have written there
        fill_run(plane_in(scratch.lams, length + 1), 0, cells, r.one - r.one)
    sweeps = max(0, length - 1 - made)
    meanwhile = Meanwhile(pending, asked, sweeps + length)
    for turn in range(sweeps):
        advance(scratch, memory, s, made + turn, do_meanwhile(meanwhile, turn, cells), seam, extent, r)
    close_level(scratch, length, extent)
    for k in range(length - 1, -1, -1):
        turn = sweeps + length - 1 - k
        to = pull_back(scratch, g, by, s, k, do_meanwhile(meanwhile, turn, cells), seam, extent, r)
        if given.has_old and k == length - 1:
            add_run(to, 0, given.old, 0, cells)


@kernel(part=True)
def run_segment(scratch, g, memory, by, s, asked, seam, extent, r):
    """Make the levels of an earlier segment, whose first two are there, and their gradients."""
    length = scratch.segment
    for j in range(length - 1):
        advance(scratch, memory, s, j, asked, seam, extent, r)
    close_level(scratch, length, extent)
    for k in range(length - 1, -1, -1):
        pull_back(scratch, g, by, s, k, asked, seam, extent, r)


@kernel(inline=True)
def close_level(scratch, slot, extent):
    """Close the last level of a segment, which no sweep reads but the sums over its steps."""
    level = plane_in(scratch.flat.levels, slot)
    close_rows(level, level, extent)


@kernel(inline=True)
def pull_back(scratch, g, by, s, k, asked, seam, extent, r):
    """Make dL/dH[k] of a segment, and return where it lies: at the start it is the gradient of H[0]."""
    lams = scratch.lams
    to = g[NOW] if s == 0 and k == 0 else plane_in(lams, k)
    pull_plane(to, by, plane_in(lams, k + 1), plane_in(lams, k + 2), asked, seam, extent, r)
    return to


@kernel(part=True)
def sum_segment(scratch, g, memory, s, length, groups, seam, extent, general, r):
    """Add the gradients of the steps of segment s to the sums over so many groups, and return how many these are then.

    The last of all go on to the gradients of the fields.
    """
    sums, done = scratch.sums, length
    while done > 0:
        count = min(GROUP, done)
        done -= count
        group = group_at(scratch, memory, slots_of_group(done, count, scratch.segment + 2), s)
        if general is None and s == 0 and done == 0:
            published_fields_adjoint(g, scratch.flat, sums, groups, group, memory, seam, extent, r)
        else:
            accumulate(sums_of(sums, groups + 1), sums_of(sums, groups), groups, group, seam, extent, r)
        groups += 1
    return groups


@kernel(apart=True, part=True)
def multiply(to, a, b, cells):
    """Set a plane to the product of two."""
    for q in range(cells):
        to[q] = a[q] * b[q]
