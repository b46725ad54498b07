"""The autocorrelation of planes with zeros around them, from which `solver.cpu.surroundings` are made.

    R_st = sum over cells p of I(p + s) I(p + t),    s and t in {-1, 0, 1}^2

is the autocorrelation at the distance t - s, of which 13 are different, less what lies on those edges that the shift s
takes out: 13 products a cell, where one filter has nine, and four and their squares 40.
"""

from __future__ import annotations

import numpy as np

from solver.compiling import kernel
from solver.cpu import plane
from solver.cpu.by_cell import make_room, make_starts, planes_of
from solver.cpu.convolution import TAPS
from solver.cpu.pointers import keep_alive, pointer
from solver.cpu.sharing import share_out
from solver.cpu.vectors import take_widest
from solver.records import Array

# What is written of a plane: the autocorrelation at 13 distances and the sum; for each side the sum of its line and its
# own autocorrelation at three distances; for each corner the cell and its square.
DISTANCES = [(0, 0), (0, 1), (0, 2), *((down, across) for down in (1, 2) for across in range(-2, 3))]
TOTAL, SIDE, CORNER, NUMBERS = 13, 14, 30, 38
NORTH, SOUTH, WEST, EAST = range(SIDE, CORNER, 4)
NOTHING = NUMBERS  # the place of a zero


def of_autocorrelation(found: Array) -> tuple[Array, Array]:
    """Return the sums S, (C, 9), and the products R, (C, 9, 9), from what `correlate` wrote, (N, C, NUMBERS)."""
    a = np.zeros((found.shape[1], NUMBERS + 1))
    np.sum(found, 0, out=a[:, :NUMBERS])
    (line, column, corner), (whole, own_line, own_column, square) = _OF_SUM, _OF_PRODUCT
    sums = a[:, [TOTAL]] - a[:, line] - a[:, column] + a[:, corner]
    return sums, a[:, whole] - a[:, own_line] - a[:, own_column] + a[:, square]


def _taken_out(s: int) -> tuple[int, int, int]:
    """Return the places of the line, the column and the corner that a shift takes out."""
    row, column = s // 3 - 1, s % 3 - 1
    corner = CORNER + 2 * (2 * (row < 0) + (column < 0)) if row and column else NOTHING
    return (SOUTH, NOTHING, NORTH)[row + 1], (EAST, NOTHING, WEST)[column + 1], corner


def _of_product(s: int, t: int) -> tuple[int, int, int, int]:
    """Return the places of what a product is made of.

    A line that is taken out has no part in products with what lies across it, which are with zeros or in it.
    """
    down, across = t // 3 - s // 3, t % 3 - s % 3
    line, column, corner = _taken_out(s)
    return (
        DISTANCES.index(max((down, across), (-down, -across))),  # the opposite distance has the same autocorrelation
        line + 1 + abs(across) if down == 0 and line != NOTHING else NOTHING,
        column + 1 + abs(down) if across == 0 and column != NOTHING else NOTHING,
        corner + 1 if s == t and corner != NOTHING else NOTHING,
    )


# Looked up, not computed: they serve every step of a training.
_OF_SUM = np.array([_taken_out(s) for s in range(TAPS)]).T
_OF_PRODUCT = np.moveaxis(np.array([[_of_product(s, t) for t in range(TAPS)] for s in range(TAPS)]), 2, 0)


@kernel()
def correlate(found, image, shape, order, span):
    """Write the numbers of the planes of a span of parts; `image` is flat, its shape (C, rows, columns)."""
    share_out(correlate_some, (found, image, shape, order), span)


@kernel(part=True)
def correlate_some(found, image, shape, order, first, last):
    """Do so for parts first..last-1, each of so many planes as `order` does together.

    In scratch a plane is flat and in double precision, with columns of zeros beside it and three rows of them below.
    """
    _, rows, columns = shape
    planes, S = plane.padded_planes(1, rows + 2, columns, found), columns + 2
    room, starts = make_room(order, order.together, image), make_starts(order)
    work, to = pointer(planes.reshape(-1), S), pointer(found, 0)
    for begin in range(first * order.together, min(last * order.together, found.size // NUMBERS), order.together):
        stop = min(begin + order.together, found.size // NUMBERS)
        here = planes_of(image, room, order, starts, begin, stop)
        for p in range(begin, stop):
            for i in range(rows):
                widen_run(work, i * S + 1, pointer(here, 0), ((p - begin) * rows + i) * columns, columns)
            at = p * NUMBERS
            correlate_plane(to, at, work, S, rows * S)
            for side in range(2):
                line, pair = 1 + side * (rows - 1) * S, at + SIDE + 4 * side
                correlate_line(to, pair, work, line, 1, columns)
                correlate_line(to, pair + 8, work, 1 + side * (columns - 1), S, rows)
                for end in range(2):
                    corner, value = at + CORNER + 4 * side + 2 * end, work[line + end * (columns - 1)]
                    to[corner], to[corner + 1] = value, value * value
        keep_alive(here)
    keep_alive(planes, found, room)


@kernel(apart=True, part=True)
def widen_run(to, at, source, start, n):
    """Copy n numbers, whose precision may be single."""
    for q in range(n):
        to[at + q] = source[start + q]


@kernel(reassociate=True, part=True)
def correlate_plane(to, at, x, S, n):
    """Write the autocorrelation of n cells of a flat plane, and their sum."""
    take_widest()
    a0, a1, a2, b0, b1, b2, b3, b4, c0, c1, c2, c3, c4 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    total = 0.0
    for q in range(n):
        here, below, next_below = x[q], q + S, q + 2 * S
        total += here
        a0 += here * here
        a1 += here * x[q + 1]
        a2 += here * x[q + 2]
        b0 += here * x[below - 2]
        b1 += here * x[below - 1]
        b2 += here * x[below]
        b3 += here * x[below + 1]
        b4 += here * x[below + 2]
        c0 += here * x[next_below - 2]
        c1 += here * x[next_below - 1]
        c2 += here * x[next_below]
        c3 += here * x[next_below + 1]
        c4 += here * x[next_below + 2]
    to[at], to[at + 1], to[at + 2] = a0, a1, a2
    to[at + 3], to[at + 4], to[at + 5], to[at + 6], to[at + 7] = b0, b1, b2, b3, b4
    to[at + 8], to[at + 9], to[at + 10], to[at + 11], to[at + 12] = c0, c1, c2, c3, c4
    to[at + TOTAL] = total


@kernel(reassociate=True, part=True)
def correlate_line(to, at, x, start, stride, n):
    """Write the sum of n cells of a line and its autocorrelation at the distances 0, 1 and 2; zeros follow it."""
    total, a0, a1, a2 = 0.0, 0.0, 0.0, 0.0
    for i in range(n):
        q = start + i * stride
        here = x[q]
        total += here
        a0 += here * here
        a1 += here * x[q + stride]
        a2 += here * x[q + 2 * stride]
    to[at], to[at + 1], to[at + 2], to[at + 3] = total, a0, a1, a2
