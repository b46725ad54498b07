"""Images whose channels are last, read and written some planes at a time.

Turned around as a whole, an image goes through memory once more each way; some planes of it, in scratch, through a
cache alone. A cache line of such an image holds a cell of several channels: as many planes at a time use it whole.
"""

from __future__ import annotations

from math import prod
from typing import Final, NamedTuple

import numpy as np

from solver.compiling import kernel
from solver.cpu.channels import transpose_band
from solver.cpu.layout import writable
from solver.cpu.pointers import keep_alive, pointer
from solver.cpu.transposing import LANES
from solver.records import Array

TOGETHER: Final = LANES  # planes at a time: a line of float32, two of float64


class Order(NamedTuple):
    """How a batch of images lies in memory."""

    by_cell: bool
    "the channels of a cell together; else plane after plane"
    channels: int
    cells: int

    @classmethod
    def of(cls, image: Array) -> Order:
        """Describe `image`, (N, C, rows, columns), contiguous or with channels last."""
        return cls(not image.flags.c_contiguous, image.shape[1], prod(image.shape[2:]))


def flat(image: Array) -> Array:
    """Return the memory of an image, of either order, from the first number to the last."""
    return writable((image if image.flags.c_contiguous else np.moveaxis(image, 1, -1)).reshape(-1))


def like(image: Array, memory: Array) -> Array:
    """Return flat memory as an image that lies as `image` does."""
    N, C, rows, columns = image.shape
    by_cell: Array = np.moveaxis(memory.reshape(N, rows, columns, C), -1, 1)
    return memory.reshape(image.shape) if image.flags.c_contiguous else by_cell


@kernel(part=True)
def make_room(order, planes, like):
    """Allocate for so many planes, which are to lie plane after plane: nothing where they do."""
    if not order.by_cell:
        return np.empty(0, like.dtype)
    return np.empty(planes * order.cells, like.dtype)


@kernel(part=True)
def make_starts(order):
    """Return where the rows of matrices begin: of an image by cell, of one in planes, and again of one by cell."""
    C, cells = order.channels, order.cells
    starts = np.empty(2 * cells + C if order.by_cell else 0, np.int64)
    if order.by_cell:
        for q in range(cells):
            starts[q] = q * C
            starts[cells + C + q] = q * C
        for c in range(C):
            starts[cells + c] = c * cells
    return starts


@kernel(part=True)
def place_of(memory, room, order, begin, end):
    """Return where planes begin..end-1 of a batch are in planes: in its memory, or in the room for some."""
    if order.by_cell:
        return room[: (end - begin) * order.cells]
    return memory[begin * order.cells : end * order.cells]


@kernel(part=True)
def planes_of(memory, room, order, starts, begin, end):
    """Return planes begin..end-1 of a batch, one after the other; they are turned around in the room for it."""
    if order.by_cell:
        turn(pointer(room, -begin * order.cells), pointer(memory, 0), order, starts, begin, end, False)
    return place_of(memory, room, order, begin, end)


@kernel(part=True)
def put_planes(memory, room, order, starts, begin, end):
    """Bring planes begin..end-1 from their room to the memory of the batch, if they are not there."""
    if order.by_cell:
        turn(pointer(memory, 0), pointer(room, -begin * order.cells), order, starts, begin, end, True)
    keep_alive(memory, room)


@kernel(part=True)
def turn(to, source, order, starts, begin, end, back):
    """Turn the parts of images around that are planes begin..end-1: from cells to planes, or back."""
    C, cells, p = order.channels, order.cells, begin
    while p < end:
        c = p % C
        last = min(C, c + end - p)
        at = p // C * C * cells
        if back:
            transpose_band(to, source, at, pointer(starts, cells), (C, cells, 1), (c, last, 0, cells))
        else:
            transpose_band(to, source, at, pointer(starts, 0), (cells, C, 1), (0, cells, c, last))
        p += last - c
    keep_alive(starts)
