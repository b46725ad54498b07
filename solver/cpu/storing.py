"""The gradients of one plane, made in scratch without borders and written to where they belong."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from solver.compiling import kernel, point_function
from solver.cpu.copying import LINE, copy_run
from solver.cpu.layout import DX, DY, NOW, OLD, SOURCE, U, V
from solver.cpu.pointers import pointer, pointers_to, seven
from solver.cpu.streaming import stream_run

GRADIENTS = 7


@kernel(part=True)
def pitch_of(cells, itemsize):
    """Cells from one plane of scratch to the next.

    Whole cache lines, and two more: planes of a power of two lie on different sets of a cache.
    """
    line = LINE // itemsize
    return (cells + line - 1) // line * line + 2 * line


@kernel(part=True)
def make_gradients(cells, like):
    """Allocate for the gradients of the seven inputs of two planes: one is made while the other is written."""
    return np.empty(2 * GRADIENTS * pitch_of(cells, like.itemsize) + LINE // like.itemsize, like.dtype)


class Pending(NamedTuple):
    """The gradients of a plane that are made but not yet written.

    They are written while the next plane's are made: stores past the caches in one burst would be waited for.
    """

    memory: tuple[Any, ...]
    "seven pointers: where the gradients of all planes go"
    to: Any
    "pointer to seven offsets there, -1 for what is not written cell by cell, and to that of the planes in `source`"
    source: Any
    "pointer to twice seven planes"
    size: int
    "cells from one plane to the next"
    streamed: bool
    "whether they are written past the caches"


@kernel(inline=True)
def open_pending(store, targets, notes, cells):
    """Describe memory and planes of gradients, the first of which begins a cache line; nothing is pending yet."""
    to, arrays, line = pointer(notes, 0), targets.arrays, LINE // store.itemsize
    for which in range(GRADIENTS):
        to[which] = -1
    to[GRADIENTS] = 0
    memory = pointers_to(arrays)
    source = pointer(store, (-(store.ctypes.data // store.itemsize)) % line)
    return Pending(memory, to, source, pitch_of(cells, store.itemsize), targets.streamed)


@kernel(inline=True)
def free_planes(pending):
    """Return pointers to the seven planes that are not pending; as one they would be tested for overlap every row."""
    source, size = pending.source, pending.size
    start = GRADIENTS * size - pending.to[GRADIENTS]
    return seven(source, start, size)


@kernel(inline=True)
def wants_fields(targets):
    """Whether a gradient is wanted that the coefficients' lead to."""
    wanted = targets.wanted
    fields = wanted[U] or wanted[V] or wanted[DX] or wanted[DY]
    return targets.joined[SOURCE] or wanted[SOURCE] or fields


@kernel(part=True)
def finish_plane(pending, targets, table, p, cells, apart, zero):
    """Sum what belongs together in the free planes, the gradients of plane p, if it is apart; they are pending then."""
    g, size = free_planes(pending), pending.size
    for which in (OLD, SOURCE):
        if apart and targets.joined[which]:
            add_run(g[NOW], 0, g[which], 0, cells)
    for which in range(GRADIENTS):
        at = p * targets.strides[which]
        pending.to[which] = at if targets.wanted[which] else -1
        if targets.wanted[which] and table[4 * which] == 1 and cells > 1:
            targets.arrays[which][at] = total_run(g[which], 0, cells, zero)
            pending.to[which] = -1
    pending.to[GRADIENTS] = GRADIENTS * size - pending.to[GRADIENTS]


@kernel(part=True)
def write_pending(pending, first, last):
    """Write the cells first..last-1 of what is pending."""
    for which in range(GRADIENTS):
        at = pending.to[which]
        if at >= 0 and first < last:
            target, start = pending.memory[which], pending.to[GRADIENTS] + which * pending.size + first
            if pending.streamed:
                stream_run(target, at + first, pending.source, start, last - first)
            else:
                copy_run(target, at + first, pending.source, start, last - first)


@point_function
def piece(cut, cells, turn, turns):
    """Return the first and the last cell due in a turn, `cut` cells apart; none in turns that are left over."""
    first, last = cut * min(turn, turns), cut * min(turn + 1, turns)
    return min(first, cells), cells if turn == turns - 1 else min(last, cells)


@kernel(apart=True, part=True)
def add_run(target, at, source, start, count):
    """target[at : at + count] += source[start : start + count]."""
    for q in range(count):
        target[at + q] += source[start + q]


@kernel(reassociate=True, part=True)
def total_run(a, at, count, zero):
    """Sum of a run of cells."""
    result = zero
    for q in range(count):
        result += a[at + q]
    return result
