"""Sums over a batch of what lies around a cell: all that a norm of convolutions needs to know of an image.

    S_s = sum over cells p of I(p + s),    R_st = sum of I(p + s) I(p + t),    s and t in {-1, 0, 1}^2

so that y = sum over s of w_s I(p + s) has sum w.S and sum of squares w.Rw, whatever the filter w: none is applied.
Around I are zeros, of which a number of each channel is subtracted as of I itself, if it is from I.

Everything is summed in double precision, in which products of single ones are exact: that y is small beside the
products that it is made of costs single precision nothing. Double precision it costs twice as many digits as they lie
apart. Where that is by a mean far from zero, a number near it is subtracted first. Where the filter takes differences
of a smooth image it stays so: of the Laplacian of a bump over 64 x 64 cells the variance has 11 digits, not 15.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

import numpy as np

from solver.compiling import kernel
from solver.cpu import plane
from solver.cpu.autocorrelation import NUMBERS, correlate, of_autocorrelation, widen_run
from solver.cpu.by_cell import Order, make_room, make_starts, planes_of
from solver.cpu.convolution import TAPS
from solver.cpu.field_bench import shift_run
from solver.cpu.pointers import keep_alive, pointer
from solver.cpu.sharing import share_out
from solver.cpu.threads import Team, share
from solver.cpu.tiles import fill_run
from solver.records import Array

PAIRS = [(s, t) for s in range(TAPS) for t in range(s, TAPS)]
PAIR_NUMBERS = TAPS + len(PAIRS)  # what is written of a plane: nine sums and the products


class Surroundings(NamedTuple):
    """Of a batch, for each of its C channels, in double precision; s and t in the order of a filter's taps."""

    sums: Array
    "S, (C, 9)"
    products: Array
    "R, (C, 9, 9)"

    def sum_of(self, w: Array) -> Array:
        """Return the sums of y for filters (C, n, 9): (C, n)."""
        return np.asarray(np.einsum("cfs,cs->cf", w, self.sums))

    def products_with(self, w: Array) -> Array:
        """Return the sums of y times each of the nine cells around, (C, n, 9)."""
        return np.asarray(np.einsum("cfs,cst->cft", w, self.products))


def surroundings(image: Array, centres: Array, team: Team) -> Surroundings:
    """Return them for an image, (N, C, rows, columns), less `centres`, (C,), or empty for nothing to subtract.

    The image is contiguous, or its channels are last.
    """
    found = np.empty((*image.shape[:2], PAIR_NUMBERS if centres.size else NUMBERS))
    order, count = Order.of(image, team), prod(image.shape[:2])
    given, parts = (found.reshape(-1), order.flat(image), image.shape[1:], order), order.parts(count)
    if not centres.size:
        share(correlate, given, parts, team)
        return Surroundings(*of_autocorrelation(found))
    share(correlate_pairs, (*given, centres), parts, team)
    total = found.sum(0)
    products = np.empty((len(total), TAPS, TAPS))
    for number, (s, t) in enumerate(PAIRS, TAPS):
        products[:, s, t] = products[:, t, s] = total[:, number]
    return Surroundings(total[:, :TAPS], products)


@kernel()
def correlate_pairs(found, image, shape, order, centres, span):
    """Do as `correlate`, nine sums and 45 products one by one, where what lies around is not zero."""
    share_out(pairs_some, (found, image, shape, order, centres), span)


@kernel(part=True)
def pairs_some(found, image, shape, order, centres, first, last):
    """Do so for parts first..last-1, each of so many planes as `order` does together."""
    C, rows, columns = shape
    planes, S = plane.padded_planes(1, rows, columns, found), columns + 2
    room, starts, size = make_room(order, order.together, image), make_starts(order), planes.shape[1]
    work, to = pointer(planes.reshape(-1), 0), pointer(found, 0)
    for begin in range(first * order.together, min(last * order.together, found.size // PAIR_NUMBERS), order.together):
        stop = min(begin + order.together, found.size // PAIR_NUMBERS)
        here = planes_of(image, room, order, starts, begin, stop)
        for p in range(begin, stop):
            fill_run(work, 0, size, 0.0)
            for i in range(rows):
                widen_run(work, (i + 1) * S + 1, pointer(here, 0), ((p - begin) * rows + i) * columns, columns)
            shift_run(work, 0, size, centres[p % C])
            at = p * PAIR_NUMBERS
            for s in range(9):
                start = s // 3 * S + s % 3
                to[p * PAIR_NUMBERS + s] = total_of(work, start, S, rows, columns)
                for t in range(s, 9):
                    to[at + 9] = product_of(work, start, t // 3 * S + t % 3, S, rows, columns)
                    at += 1
        keep_alive(here)
    keep_alive(planes, found, room)


@kernel(reassociate=True, part=True)
def total_of(x, at, S, rows, columns):
    """Return the sum of the cells of a plane that begins at `at`."""
    total = 0.0
    for i in range(rows):
        for q in range(i * S, i * S + columns):
            total += x[at + q]
    return total


@kernel(reassociate=True, part=True)
def product_of(x, a, b, S, rows, columns):
    """Return that of the products of two planes."""
    total = 0.0
    for i in range(rows):
        for q in range(i * S, i * S + columns):
            total += x[a + q] * x[b + q]
    return total
