"""Images between planes and channels last: the transpose of a matrix of channels and cells for each.

Squares as wide as a vector go through registers (`solver.cpu.transposing`). Planes often lie a power of two apart, on
the same few lines of a cache: a line of each of as many planes as a vector has numbers is finished before the next.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from solver.compiling import kernel
from solver.cpu.copying import LINE
from solver.cpu.pointers import keep_alive, pointer
from solver.cpu.sharing import share_out
from solver.cpu.threads import Team, own_team, share
from solver.cpu.transposing import transpose_block, width_of
from solver.records import Array

TILE: Final = LINE // 4  # rows and columns that are turned around together: a line of float32, two of float64
BAND: Final = 16 * TILE  # cells, or channels, that are one part of the work


def transpose_into(made: Array, images: Array, team: Team | None = None) -> None:
    """Write the transposes of `images`, (N, rows, columns), into `made`, (N, columns, rows), both contiguous."""
    count, rows, columns = images.shape
    bands = -(-max(rows, columns) // BAND)  # of an image, so that threads share one as well
    team = (team or own_team()).for_work(images.size)
    share(transpose, (made.reshape(-1), images.reshape(-1), (rows, columns, bands)), count * bands, team)


@kernel()
def transpose(made, images, shape, span):
    """Write the transposes of a span of bands; `shape` is that of an image, and how many bands it has."""
    share_out(transpose_some, (made, images, shape), span)


@kernel(part=True)
def transpose_some(made, images, shape, first, last):
    """Do so for bands first..last-1, each of an image's longer side."""
    rows, columns, bands = shape
    starts = np.empty(rows + columns, np.int64)
    for i in range(rows):
        starts[i] = i * columns
    for j in range(columns):
        starts[rows + j] = j * rows
    to, source, begin_of = pointer(made, 0), pointer(images, 0), pointer(starts, 0)
    for part in range(first, last):
        at, start = part // bands * rows * columns, part % bands * BAND
        if rows > columns:
            transpose_band(to, source, at, begin_of, shape, (start, min(start + BAND, rows), 0, columns))
        else:
            transpose_band(to, source, at, begin_of, shape, (0, rows, start, min(start + BAND, columns)))
    keep_alive(made, images, starts)


@kernel(part=True)
def transpose_band(to, source, at, starts, shape, band):
    """Transpose some rows and columns of the matrix at `at`.

    `starts` are where its rows begin, and behind them those of the result.
    """
    rows, columns, _ = shape
    first_row, last_row, first_column, last_column = band
    width, tall = width_of(to), rows > columns
    whole_row = first_row + (last_row - first_row) // width * width
    whole_column = first_column + (last_column - first_column) // width * width
    for row in range(first_row, whole_row, TILE):
        for column in range(first_column, whole_column, TILE):
            for outer in range(0, TILE, width):
                for inner in range(0, TILE, width):
                    i, j = row + (inner if tall else outer), column + (outer if tall else inner)
                    if i < whole_row and j < whole_column:
                        transpose_block(to, pointer(starts, rows + j), at + i, source, pointer(starts, i), at + j)
    for i in range(first_row, last_row):
        for j in range(whole_column if i < whole_row else first_column, last_column):
            to[at + j * rows + i] = source[at + i * columns + j]
