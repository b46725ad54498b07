"""Images between planes and channels last: the transpose of a matrix of channels and cells for each.

Squares as wide as a vector go through registers (`solver.cpu.transposing`). Planes lie a power of two apart, on the
same few lines of a cache, so that a line of each of eight planes is finished before the next eight are begun.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from solver.compiling import kernel
from solver.cpu.copying import LINE
from solver.cpu.pointers import keep_alive, pointer
from solver.cpu.sharing import share_out
from solver.cpu.targets import aligned
from solver.cpu.threads import Team, own_team, share
from solver.cpu.transposing import transpose_block, width_of
from solver.records import Array

TILE: Final = LINE // 4  # rows and columns that are turned around together: a line of float32, two of float64


def transposed(images: Array, team: Team | None = None) -> Array:
    """Return (N, columns, rows) of `images`, (N, rows, columns), contiguous."""
    count, rows, columns = images.shape
    made, team = aligned((count, columns, rows), images.dtype), (team or own_team()).for_work(images.size)
    share(transpose, (made.reshape(-1), images.reshape(-1), (rows, columns)), count, team)
    return made


@kernel()
def transpose(made, images, shape, span):
    """Write the transposes of a span of images, flat; `shape` is that of each."""
    share_out(transpose_some, (made, images, shape), span)


@kernel(part=True)
def transpose_some(made, images, shape, first, last):
    """Do so for images first..last-1."""
    rows, columns = shape
    starts = np.empty(rows + columns, np.int64)
    for i in range(rows):
        starts[i] = i * columns
    for j in range(columns):
        starts[rows + j] = j * rows
    to, source = pointer(made, 0), pointer(images, 0)
    for image in range(first, last):
        transpose_image(to, source, image * rows * columns, pointer(starts, 0), rows, columns)
    keep_alive(made, images, starts)


@kernel(part=True)
def transpose_image(to, source, at, starts, rows, columns):
    """Transpose the matrix at `at`; `starts` are where its rows begin, and behind them those of the result."""
    width = width_of(to)
    whole_rows, whole_columns = rows // width * width, columns // width * width
    tall = rows > columns
    for first_row in range(0, whole_rows, TILE):
        for first_column in range(0, whole_columns, TILE):
            for outer in range(0, TILE, width):
                for inner in range(0, TILE, width):
                    i, j = first_row + (inner if tall else outer), first_column + (outer if tall else inner)
                    if i < whole_rows and j < whole_columns:
                        transpose_block(to, pointer(starts, rows + j), at + i, source, pointer(starts, i), at + j)
    for i in range(rows):
        for j in range(whole_columns if i < whole_rows else 0, columns):
            to[at + j * rows + i] = source[at + i * columns + j]
