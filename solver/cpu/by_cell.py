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
from solver.cpu.copying import LINE
from solver.cpu.layout import writable
from solver.cpu.pointers import keep_alive, pointer, size_of
from solver.cpu.threads import Team
from solver.cpu.transposing import LANES
from solver.records import Array

TOGETHER: Final = LANES  # planes at a time: a line of float32, two of float64


class Order(NamedTuple):
    """How a batch of images lies in memory."""

    by_cell: bool
    "the channels of a cell together; else plane after plane"
    channels: int
    cells: int
    together: int
    "planes that a pass over the image does at a time"

    @classmethod
    def of(cls, image: Array, team: Team) -> Order:
        """Describe `image`, (N, C, rows, columns), contiguous or with channels last, for so many threads."""
        by_cell, planes = not image.flags.c_contiguous, prod(image.shape[:2])
        together = TOGETHER if by_cell else max(1, min(TOGETHER, planes // max(1, team.size, team.pieces)))
        return cls(by_cell, image.shape[1], prod(image.shape[2:]), together)

    def flat(self, image: Array) -> Array:
        """Return the memory of an image of this order, from the first number to the last."""
        return writable((np.moveaxis(image, 1, -1) if self.by_cell else image).reshape(-1))

    def parts(self, planes: int) -> int:
        """Return how many times so many planes are done."""
        return -(-planes // self.together)


def with_channels_last(memory: Array, shape: tuple[int, ...]) -> Array:
    """Return flat memory as an image of a shape (N, C, rows, columns)."""
    N, C, rows, columns = shape
    image: Array = np.moveaxis(memory.reshape(N, rows, columns, C), -1, 1)
    return image


@kernel(part=True)
def make_room(order, planes, like):
    """Allocate for so many planes, which are to lie plane after plane: nothing where they do.

    It begins with a cache line: else every line that is turned around is written in two parts.
    """
    if not order.by_cell:
        return np.empty(0, like.dtype)
    size = size_of(like)
    store = np.empty(planes * order.cells + LINE // size, like.dtype)
    return store[(LINE - store.ctypes.data % LINE) // size :]


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
