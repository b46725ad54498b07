"""Loops of a layer around the equation: a 3 x 3 convolution to two fields, and what becomes of H[K].

Both go flat over a padded plane, as those of `solver.cpu.plane` do; unsigned indices are not tested for being negative.
"""

from __future__ import annotations

import numpy as np

from solver.compiling import kernel, point_function

TAPS = 9


@point_function
def rectified(value, zero):
    """Return ReLU(value); NaN stays NaN, as in torch."""
    return zero if value < zero else value


@kernel()
def nine(w, at):
    """Return w[at : at + 9]."""
    return w[at], w[at + 1], w[at + 2], w[at + 3], w[at + 4], w[at + 5], w[at + 6], w[at + 7], w[at + 8]


@kernel(apart=True)
def convolve_pair(first, second, image, filters, shifts, start, stop, columns):
    """Make two fields of the cells start..stop-1 of a padded plane; `filters` holds the nine numbers of each.

    Two at a time: their 18 numbers and two sums fit into the registers, and each neighbour is loaded once for both.
    """
    S, one = np.uint64(columns + 2), np.uint64(1)
    zero, a, b = image.dtype.type(0), shifts[0], shifts[1]
    a0, a1, a2, a3, a4, a5, a6, a7, a8 = nine(filters, 0)
    b0, b1, b2, b3, b4, b5, b6, b7, b8 = nine(filters, TAPS)
    for q in range(np.uint64(start), np.uint64(stop)):
        north, south = q - S, q + S
        p0, p1, p2 = image[north - one], image[north], image[north + one]
        p3, p4, p5 = image[q - one], image[q], image[q + one]
        p6, p7, p8 = image[south - one], image[south], image[south + one]
        made = a + a0 * p0 + a1 * p1 + a2 * p2 + a3 * p3 + a4 * p4 + a5 * p5 + a6 * p6 + a7 * p7 + a8 * p8
        first[q] = rectified(made, zero)
        made = b + b0 * p0 + b1 * p1 + b2 * p2 + b3 * p3 + b4 * p4 + b5 * p5 + b6 * p6 + b7 * p7 + b8 * p8
        second[q] = rectified(made, zero)


@kernel()
def finish(h, scale, offset, start, stop):
    """Let h = ReLU(scale h + offset) on the cells start..stop-1."""
    zero = h.dtype.type(0)
    h = h[start:stop]
    for q in range(h.size):
        h[q] = rectified(scale * h[q] + offset, zero)
