"""Turning planes around: LANES of them side by side, cell q of plane l at q * LANES + l, and back."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from solver.compiling import kernel
from solver.cpu.copying import copy_run, prefetch
from solver.cpu.pointers import pointer
from solver.cpu.streaming import stream_run
from solver.cpu.transposing import LANES, deinterleave, interleave


class Turning(NamedTuple):
    """What it takes to turn planes around."""

    cells: int
    "of a plane"
    room: Any
    "pointer to room for LANES planes"
    starts: Any
    "pointer to where the planes begin in some memory"
    places: Any
    "pointer to multiples of LANES: where a cell's numbers begin, side by side"


@kernel(part=True)
def make_starts():
    """Allocate for where planes begin, and behind it the places of cells."""
    starts = np.zeros(2 * LANES, np.int64)
    for lane in range(LANES):
        starts[LANES + lane] = lane * LANES
    return starts


@kernel(inline=True)
def open_turning(starts, room, cells):
    """Describe planes of so many cells; whoever calls must hold `starts` and what `room` points to."""
    return Turning(cells, room, pointer(starts, 0), pointer(starts, LANES))


@kernel(part=True)
def pack_planes(to, turning, memory, p, last):
    """Bring planes p, p + 1, ... of memory, one behind the other, side by side; beyond the last one, that again.

    The next pack is asked for: of sixteen short planes a processor sees no order in which they are read.
    """
    cells, starts = turning.cells, turning.starts
    for lane in range(LANES):
        starts[lane] = min(p + lane, last - 1) * cells
        if p + LANES + lane < last:
            prefetch(memory, starts[lane] + LANES * cells, cells)
    interleave(to, turning.places, memory, starts, cells)


@kernel(part=True)
def unpack(source, turning):
    """Bring numbers that are side by side to planes, one behind the other in `turning.room`."""
    cells = turning.cells
    for lane in range(LANES):
        turning.starts[lane] = lane * cells
    deinterleave(turning.room, turning.starts, source, turning.places, cells)


@kernel(part=True)
def write_pack(target, stride, source, turning, p, last, streamed):
    """Write planes p, p + 1, ... to memory, `stride` numbers apart, past the caches or not."""
    cells = turning.cells
    unpack(source, turning)
    for lane in range(min(LANES, last - p)):
        at = (p + lane) * stride
        if streamed:
            stream_run(target, at, turning.room, lane * cells, cells)
        else:
            copy_run(target, at, turning.room, lane * cells, cells)
