"""Loops of the adjoint of a 3 x 3 convolution to two fields: its filters' sums, and what the image gets.

Like those of `solver.cpu.convolution` they take both fields at once where there are registers for both.
"""

from __future__ import annotations

from solver.compiling import kernel
from solver.cpu.convolution import convolved
from solver.cpu.vectors import MANY_REGISTERS, take_widest


@kernel(reassociate=True, part=True)
def _taps_at_once(to, a_to, b_to, a, b, d, x, around, n, zero):
    """Add, in double precision, sums over n cells of two planes of d, at a and b, times the nine cells around in x."""
    take_widest()
    a0, a1, a2, a3, a4, a5, a6, a7, a8 = zero, zero, zero, zero, zero, zero, zero, zero, zero
    b0, b1, b2, b3, b4, b5, b6, b7, b8 = zero, zero, zero, zero, zero, zero, zero, zero, zero
    for q in range(n):
        north, row, south = around.north + q, around.row + q, around.south + q
        of_a, of_b = d[a + q], d[b + q]
        a0 += of_a * x[north - 1]
        a1 += of_a * x[north]
        a2 += of_a * x[north + 1]
        a3 += of_a * x[row - 1]
        a4 += of_a * x[row]
        a5 += of_a * x[row + 1]
        a6 += of_a * x[south - 1]
        a7 += of_a * x[south]
        a8 += of_a * x[south + 1]
        b0 += of_b * x[north - 1]
        b1 += of_b * x[north]
        b2 += of_b * x[north + 1]
        b3 += of_b * x[row - 1]
        b4 += of_b * x[row]
        b5 += of_b * x[row + 1]
        b6 += of_b * x[south - 1]
        b7 += of_b * x[south]
        b8 += of_b * x[south + 1]
    to[a_to] += a0
    to[a_to + 1] += a1
    to[a_to + 2] += a2
    to[a_to + 3] += a3
    to[a_to + 4] += a4
    to[a_to + 5] += a5
    to[a_to + 6] += a6
    to[a_to + 7] += a7
    to[a_to + 8] += a8
    to[b_to] += b0
    to[b_to + 1] += b1
    to[b_to + 2] += b2
    to[b_to + 3] += b3
    to[b_to + 4] += b4
    to[b_to + 5] += b5
    to[b_to + 6] += b6
    to[b_to + 7] += b7
    to[b_to + 8] += b8


@kernel(reassociate=True, part=True)
def _taps_of_one(to, at, a, d, x, around, n, zero):
    """Add those of one plane."""
    take_widest()
    a0, a1, a2, a3, a4, a5, a6, a7, a8 = zero, zero, zero, zero, zero, zero, zero, zero, zero
    for q in range(n):
        north, row, south, of_a = around.north + q, around.row + q, around.south + q, d[a + q]
        a0 += of_a * x[north - 1]
        a1 += of_a * x[north]
        a2 += of_a * x[north + 1]
        a3 += of_a * x[row - 1]
        a4 += of_a * x[row]
        a5 += of_a * x[row + 1]
        a6 += of_a * x[south - 1]
        a7 += of_a * x[south]
        a8 += of_a * x[south + 1]
    to[at] += a0
    to[at + 1] += a1
    to[at + 2] += a2
    to[at + 3] += a3
    to[at + 4] += a4
    to[at + 5] += a5
    to[at + 6] += a6
    to[at + 7] += a7
    to[at + 8] += a8


@kernel(inline=True)
def _taps_in_turn(to, a_to, b_to, a, b, d, x, around, n, zero):
    """Add those of one plane and then of the other: nine sums are all that there is room for."""
    _taps_of_one(to, a_to, a, d, x, around, n, zero)
    _taps_of_one(to, b_to, b, d, x, around, n, zero)


# (to, a_to, b_to, a, b, d, x, around, n, zero)
taps_of_two = _taps_at_once if MANY_REGISTERS else _taps_in_turn


@kernel(apart=True, part=True)
def _pull_at_once(out, at, d, a, b, w_a, w_b, n):
    """Add to n cells what two fields give back: the convolution of each with its filter turned around."""
    take_widest()
    for q in range(n):
        y = convolved(w_a, out[at + q], d, a.north + q, a.row + q, a.south + q)
        out[at + q] = convolved(w_b, y, d, b.north + q, b.row + q, b.south + q)


@kernel(apart=True, part=True)
def _pull_one(out, at, d, a, w, n):
    """Add what one gives."""
    take_widest()
    for q in range(n):
        out[at + q] = convolved(w, out[at + q], d, a.north + q, a.row + q, a.south + q)


@kernel(inline=True)
def _pull_in_turn(out, at, d, a, b, w_a, w_b, n):
    """Add what one gives, and then the other."""
    _pull_one(out, at, d, a, w_a, n)
    _pull_one(out, at, d, b, w_b, n)


# (out, at, d, a, b, w_a, w_b, n)
pull_convolution = _pull_at_once if MANY_REGISTERS else _pull_in_turn


@kernel(inline=True)
def turned(w):
    """Return nine weights from the last to the first."""
    return w[8], w[7], w[6], w[5], w[4], w[3], w[2], w[1], w[0]
