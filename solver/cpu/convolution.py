"""Loops of a layer around the equation: a 3 x 3 convolution to two fields, and what becomes of H[K].

They run over all rows of a padded plane as if they were one, like those of `solver.cpu.rows`, by offsets from pointers.
"""

from __future__ import annotations

from solver.arithmetic import multiply_add
from solver.compiling import kernel, point_function
from solver.cpu.vectors import MANY_REGISTERS, take_widest

TAPS = 9


@point_function
def rectified(value, zero):
    """Return ReLU(value); NaN stays NaN, as in torch."""
    return zero if value < zero else value


@point_function
def weighted(w, shift, x):
    """Return the sum of nine products + shift."""
    y = multiply_add(w[0], x[0], shift)
    y = multiply_add(w[1], x[1], y)
    y = multiply_add(w[2], x[2], y)
    y = multiply_add(w[3], x[3], y)
    y = multiply_add(w[4], x[4], y)
    y = multiply_add(w[5], x[5], y)
    y = multiply_add(w[6], x[6], y)
    y = multiply_add(w[7], x[7], y)
    return multiply_add(w[8], x[8], y)


@point_function
def convolved(w, shift, x, north, row, south):
    """Return convolution + shift of the cell at `row`; those before and after it are at the other offsets."""
    around = (
        x[north - 1], x[north], x[north + 1],
        x[row - 1], x[row], x[row + 1],
        x[south - 1], x[south], x[south + 1],
    )  # fmt: skip
    return weighted(w, shift, around)


@point_function
def filtered(w, shift, x, north, row, south, zero):
    """Return ReLU(convolution + shift)."""
    return rectified(convolved(w, shift, x, north, row, south), zero)


@point_function
def filter_of(weights, field):
    """Return the nine weights of one field."""
    w, at = weights, TAPS * field
    return w[at], w[at + 1], w[at + 2], w[at + 3], w[at + 4], w[at + 5], w[at + 6], w[at + 7], w[at + 8]


@kernel(inline=True)
def _at_once(a, a_at, b, b_at, x, around, weights, shifts, field, n, zero):
    """Make two fields in one loop: the registers hold the weights of both."""
    w_a, w_b = filter_of(weights, field), filter_of(weights, field + 1)
    shift_a, shift_b = shifts[field], shifts[field + 1]
    for q in range(n):
        north, row, south = around.north + q, around.row + q, around.south + q
        a[a_at + q] = filtered(w_a, shift_a, x, north, row, south, zero)
        b[b_at + q] = filtered(w_b, shift_b, x, north, row, south, zero)


@kernel(inline=True)
def _one(a, at, x, around, weights, shifts, field, n, zero):
    """Make one field."""
    w, shift = filter_of(weights, field), shifts[field]
    for q in range(n):
        a[at + q] = filtered(w, shift, x, around.north + q, around.row + q, around.south + q, zero)


@kernel(inline=True)
def _in_turn(a, a_at, b, b_at, x, around, weights, shifts, field, n, zero):
    """Make two fields, one after the other: nine weights are all that there is room for."""
    _one(a, a_at, x, around, weights, shifts, field, n, zero)
    _one(b, b_at, x, around, weights, shifts, field + 1, n, zero)


_pair = _at_once if MANY_REGISTERS else _in_turn


@kernel(apart=True, part=True)
def rectify_pair(a, a_at, b, b_at, x, around, weights, shifts, field, n, zero):
    """Make two fields of n cells, ReLU(convolution + shift), with the weights `field` and `field` + 1."""
    take_widest()
    _pair(a, a_at, b, b_at, x, around, weights, shifts, field, n, zero)


@kernel(apart=True, part=True)
def finish(h, at, scale, shift, n, zero):
    """Norm and ReLU of n cells."""
    for q in range(n):
        h[at + q] = rectified(multiply_add(scale, h[at + q], shift), zero)
