"""A convolution and its adjoint, one after the other, as one filter of 5 x 5: sum over f of w_f *' (c_f w_f * I + e_f).

If there were sums beyond the edges as well, that would be one symmetric filter G of 13 numbers, whatever the number of
fields: 13 products of sums of two cells, where each field takes 18 products. There are none, and what they would have
given back is taken off: it lies on the plane's first and last rows and columns, and is a symmetric filter along them,
of three numbers. Sums beyond a corner are then taken off twice, and given back once.

Where a number of its channel is subtracted from I, it is so from the zeros around, too: they are b then.
"""

from __future__ import annotations

import numpy as np

from solver.arithmetic import multiply_add
from solver.compiling import kernel
from solver.cpu import plane
from solver.cpu.field_bench import load, unload
from solver.cpu.pointers import keep_alive, pointer
from solver.cpu.sharing import share_out
from solver.cpu.tiles import fill_run
from solver.cpu.vectors import take_widest
from solver.records import Array

# What a channel has: G at 13 distances and what is added to every cell; for each side a filter at three distances and
# what is added along it; for each corner what it is multiplied by, and what is added.
SIDE, CORNER, NUMBERS = 14, 30, 38
DISTANCES = [(0, 0), (0, 1), (0, 2), *((down, across) for down in (1, 2) for across in range(-2, 3))]


def composite(filters: Array, factors: Array, levels: Array, border: Array) -> Array:
    """Return the numbers of each channel, (C, NUMBERS), from w (C, n, 9), c and e (C, n), b (C,) or empty."""
    w = filters.astype(np.float64).reshape(*filters.shape[:2], 3, 3)
    c, b = factors, (border[:, None] if border.size else 0) * factors
    result = np.zeros((len(w), NUMBERS))
    for number, (down, across) in enumerate(DISTANCES):
        result[:, number] = (c * _overlap(w, down, across)).sum(-1)
    result[:, 13] = (levels * w.sum((2, 3))).sum(-1)
    lines = w[..., 2, :], w[..., 0, :], w[..., :, 2], w[..., :, 0]  # what sums beyond each side give back to its line
    for side, line in enumerate(lines):
        at, total = SIDE + 4 * side, line.sum(-1)
        for distance in range(3):
            result[:, at + distance] = -(c * _overlap(line[..., None, :], 0, distance)).sum(-1)
        result[:, at + 3] = -((b * (w.sum((2, 3)) - total) + levels) * total).sum(-1)
    for corner, (row, column) in enumerate(((2, 2), (2, 0), (0, 2), (0, 0))):
        at, tap = CORNER + 2 * corner, w[..., row, column]
        result[:, at] = (c * tap * tap).sum(-1)
        result[:, at + 1] = ((b * (w.sum((2, 3)) - tap) + levels) * tap).sum(-1)
    return result


def _overlap(w: Array, down: int, across: int) -> Array:
    """Return the sum of the products of each filter's taps that lie so far apart, (C, n)."""
    rows, columns = w.shape[-2:]
    first = w[..., : rows - down, max(0, -across) : columns - max(0, across)]
    second = w[..., down:, max(0, across) : columns - max(0, -across)]
    return np.asarray((first * second).sum((2, 3)))


@kernel()
def add_composite(made, numbers, border, image, shape, span):
    """Add to `made` what the composite filter makes of each plane of a span of `image`, both flat.

    `border` is b of each channel, which is added to the image; empty: nothing.
    """
    share_out(add_some, (made, numbers, border, image, shape), span)


@kernel(part=True)
def add_some(made, numbers, border, image, shape, first, last):
    """Do so for planes first..last-1.

    In scratch a plane is flat with a column beside it on either side, and two rows and a cell above and below.
    """
    C, rows, columns = shape
    S, at, cells = columns + 2, 3 * (columns + 2), rows * columns
    planes = plane.padded_planes(2, rows + 4, columns, image)
    work, to = pointer(planes.reshape(-1), 0), planes.shape[1] + at
    source, target, g, b = pointer(image, 0), pointer(made, 0), pointer(numbers, 0), pointer(border, 0)
    bordered = border.size > 0
    for p in range(first, last):
        own = pointer(g, p % C * NUMBERS)
        load(work, at, source, p * cells, rows, columns)
        if bordered:
            lift(work, at, planes.shape[1], rows, columns, b[p % C])
        load(work, to, target, p * cells, rows, columns)
        add_filtered(work, to, work, at, S, own, rows * S)
        for side in range(2):
            row, column = 1 + side * (rows - 1) * S, 1 + side * (columns - 1)
            add_along(work, to + row, work, at + row, 1, pointer(own, SIDE + 4 * side), columns)
            add_along(work, to + column, work, at + column, S, pointer(own, SIDE + 8 + 4 * side), rows)
            for end in range(2):
                cell, of_corner = row + end * (columns - 1), CORNER + 4 * side + 2 * end
                work[to + cell] += own[of_corner] * work[at + cell] + own[of_corner + 1]
        unload(target, p * cells, work, to, rows, columns)
    keep_alive(planes, made, numbers, border, image)


@kernel(part=True)
def lift(work, at, size, rows, columns, value):
    """Add a number to a plane and let it lie all around."""
    S = columns + 2
    for i in range(rows):
        lift_run(work, at + i * S + 1, columns, value)
        fill_run(work, at + i * S - 1, 2, value)
    fill_run(work, 0, at, value)
    fill_run(work, at + rows * S - 1, size - (at + rows * S - 1), value)


@kernel(apart=True, part=True)
def lift_run(a, at, n, value):
    """Add a number to n cells."""
    take_widest()
    for q in range(n):
        a[at + q] = a[at + q] + value


@kernel(apart=True, part=True)
def add_filtered(made, to, x, at, S, g, n):
    """Add to n cells the 25 around, those on opposite sides with the same number of g."""
    take_widest()
    g0, g1, g2, g3, g4, g5, g6 = g[0], g[1], g[2], g[3], g[4], g[5], g[6]
    g7, g8, g9, g10, g11, g12, level = g[7], g[8], g[9], g[10], g[11], g[12], g[13]
    for q in range(n):
        here, below, above = at + q, at + q + S, at + q - S
        far_below, far_above = below + S, above - S
        y = multiply_add(g0, x[here], made[to + q] + level)
        y = multiply_add(g1, x[here - 1] + x[here + 1], y)
        y = multiply_add(g2, x[here - 2] + x[here + 2], y)
        y = multiply_add(g3, x[below - 2] + x[above + 2], y)
        y = multiply_add(g4, x[below - 1] + x[above + 1], y)
        y = multiply_add(g5, x[below] + x[above], y)
        y = multiply_add(g6, x[below + 1] + x[above - 1], y)
        y = multiply_add(g7, x[below + 2] + x[above - 2], y)
        y = multiply_add(g8, x[far_below - 2] + x[far_above + 2], y)
        y = multiply_add(g9, x[far_below - 1] + x[far_above + 1], y)
        y = multiply_add(g10, x[far_below] + x[far_above], y)
        y = multiply_add(g11, x[far_below + 1] + x[far_above - 1], y)
        made[to + q] = multiply_add(g12, x[far_below + 2] + x[far_above - 2], y)


@kernel(apart=True, part=True)
def add_along(made, to, x, at, stride, g, n):
    """Add to n cells of a line the five along it."""
    g0, g1, g2, level = g[0], g[1], g[2], g[3]
    for i in range(n):
        q = at + i * stride
        y = multiply_add(g0, x[q], made[to + i * stride] + level)
        y = multiply_add(g1, x[q - stride] + x[q + stride], y)
        made[to + i * stride] = multiply_add(g2, x[q - 2 * stride] + x[q + 2 * stride], y)
