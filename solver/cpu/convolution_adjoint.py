"""Loops of the adjoint of a 3 x 3 convolution to two fields: its filters' sums, and what the image gets.

Like those of `solver.cpu.convolution` they take both fields at once where there are registers for both.
"""

from __future__ import annotations

from solver.compiling import kernel
from solver.cpu.convolution import convolved
from solver.cpu.vectors import MANY_REGISTERS, take_widest


@kernel(reassociate=True, inline=True)
def _with_products(sums, g, x, north, row, south):
    """Return nine sums with g added to them, times each of the nine cells around."""
    s = sums
    return (
        s[0] + g * x[north - 1],
        s[1] + g * x[north],
        s[2] + g * x[north + 1],
        s[3] + g * x[row - 1],
        s[4] + g * x[row],
        s[5] + g * x[row + 1],
        s[6] + g * x[south - 1],
        s[7] + g * x[south],
        s[8] + g * x[south + 1],
    )


@kernel(inline=True)
def _add_sums(to, at, sums):
    """Add nine sums to numbers in double precision."""
    to[at] += sums[0]
    to[at + 1] += sums[1]
    to[at + 2] += sums[2]
    to[at + 3] += sums[3]
    to[at + 4] += sums[4]
    to[at + 5] += sums[5]
    to[at + 6] += sums[6]
    to[at + 7] += sums[7]
    to[at + 8] += sums[8]


@kernel(reassociate=True, part=True)
def _taps_at_once(to, a_to, b_to, a, b, d, x, around, n, zero):
    """Add, in double precision, sums over n cells of two planes of d, at a and b, times the nine cells around in x."""
    take_widest()
    of_a = zero, zero, zero, zero, zero, zero, zero, zero, zero
    of_b = zero, zero, zero, zero, zero, zero, zero, zero, zero
    for q in range(n):
        north, row, south = around.north + q, around.row + q, around.south + q
        of_a = _with_products(of_a, d[a + q], x, north, row, south)
        of_b = _with_products(of_b, d[b + q], x, north, row, south)
    _add_sums(to, a_to, of_a)
    _add_sums(to, b_to, of_b)


@kernel(reassociate=True, part=True)
def _taps_of_one(to, at, a, d, x, around, n, zero):
    """Add those of one plane."""
    take_widest()
    sums = zero, zero, zero, zero, zero, zero, zero, zero, zero
    for q in range(n):
        sums = _with_products(sums, d[a + q], x, around.north + q, around.row + q, around.south + q)
    _add_sums(to, at, sums)


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
