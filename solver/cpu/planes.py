"""K time steps of every plane of a batch, each plane done while it is in cache."""

from __future__ import annotations

import numpy as np

from solver.compiling import kernel
from solver.cpu.asking import Asked
from solver.cpu.copying import copy_run
from solver.cpu.flat import COEFFICIENTS, begin_plane, open_flat, sweep_plane
from solver.cpu.layout import NOW, SOURCE
from solver.cpu.margins import make_reading, open_reading, turn_to_whole
from solver.cpu.pointers import keep_alive, pointer
from solver.cpu.sharing import share_out
from solver.cpu.stack import make_stack, open_stack, plane_in
from solver.cpu.streaming import fence, stream_run
from solver.cpu.uniform import look_ahead
from solver.cpu.walls import let_be, over_walls
from solver.cpu.whole import step_plane

LEVELS = 3  # kept of a plane: the newest and two before it
STREAMED = 4 * 2**20  # bytes of a result that is written past the caches: a last-level cache may hold a smaller one


@kernel()
def step_planes(now_out, old_out, arrays, table, ratios, extent, span):
    """Make one step of the planes of a span; write H[1], and H[0] if `old_out` has room for it; no filter."""
    share_out(step_some, (now_out, old_out, arrays, table, ratios, extent), span)


@kernel(part=True)
def step_some(now_out, old_out, arrays, table, ratios, extent, first, last):
    """Do so for planes first..last-1."""
    rows, columns = extent.rows, extent.columns
    held = make_reading(arrays, table, rows, columns, now_out)
    store = np.empty(rows * columns, now_out.dtype)
    step_in(store, now_out, old_out, open_reading(arrays, table, extent, held), ratios, extent, first, last)
    keep_alive(arrays, table, held)


@kernel(part=True)
def step_in(store, now_out, old_out, reading, r, extent, first, last):
    """Do so in the scratch that is given, straight into the result unless that is streamed."""
    batch, cells = reading.batch, reading.batch.cells
    out, kept, plane = pointer(now_out, 0), pointer(old_out, 0), pointer(store, 0)
    streamed = now_out.nbytes > STREAMED
    for p in range(first, last):
        memory = turn_to_whole(reading, p, first)
        streams = look_ahead(batch, min(p + 1, last - 1))
        new = plane if streamed else pointer(out, p * cells)
        step_plane(new, memory, Asked(batch.ahead, streams), reading.seam, extent, r)
        over_walls(let_be, (new, memory[SOURCE]), 1, extent)
        if streamed:
            stream_run(out, p * cells, plane, 0, cells)
        if old_out.size:
            copy_run(kept, p * cells, memory[NOW], 0, cells)
    fence()


@kernel()
def flat_planes(now_out, old_out, arrays, table, ratios, extent, span):
    """Advance the planes of a span by K > 1 steps; write H[K], and H[K-1] if `old_out` has room for it; no filter.

    For planes whose coefficients and levels a first- or second-level cache holds.
    """
    share_out(flat_some, (now_out, old_out, arrays, table, ratios, extent), span)


@kernel(part=True)
def flat_some(now_out, old_out, arrays, table, ratios, extent, first, last):
    """Do so for planes first..last-1."""
    rows, columns = extent.rows, extent.columns
    held = make_reading(arrays, table, rows, columns, now_out)
    store = make_stack(COEFFICIENTS + LEVELS, rows * columns, columns, now_out)
    flat = open_flat(open_stack(store, rows * columns, columns))
    flat_in(flat, now_out, old_out, open_reading(arrays, table, extent, held), ratios, extent, first, last)
    keep_alive(arrays, table, held, store)


@kernel(part=True)
def flat_in(flat, now_out, old_out, reading, r, extent, first, last):
    """Do so in the scratch that is given."""
    batch, cells, steps = reading.batch, reading.batch.cells, extent.steps
    c, levels, seam = flat.c, flat.levels, reading.seam
    out, kept, streamed = pointer(now_out, 0), pointer(old_out, 0), now_out.nbytes > STREAMED
    for p in range(first, last):
        memory = turn_to_whole(reading, p, first)
        streams = look_ahead(batch, min(p + 1, last - 1))
        old, now = memory[NOW], plane_in(levels, 1)
        begin_plane(c, now, memory, Asked(batch.ahead, streams), seam, extent, r)
        for k in range(2, steps + 1):
            new = pointer(out, p * cells) if k == steps and not streamed else plane_in(levels, k % LEVELS)
            sweep_plane(new, c, now, old, Asked(batch.ahead, 0), seam, extent, r)
            old, now = now, new
        if streamed:
            stream_run(out, p * cells, now, 0, cells)
        if old_out.size:
            copy_run(kept, p * cells, old, 0, cells)
    fence()
