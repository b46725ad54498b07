"""A convolution and its adjoint, one after the other, as one filter of 5 x 5: sum over f of w_f *' (c_f w_f * I + e_f).

If there were sums beyond the edges as well, that would be one symmetric filter G of 13 numbers, whatever the number of
fields: 13 products of sums of two cells, where each field takes 18 products. There are none, and what they would have
given back is taken off: it lies on the plane's first and last rows and columns, and is a symmetric filter along them,
of three numbers. Sums beyond a corner are then taken off twice, and given back once.

Where a number of its channel is subtracted from I, it is so from the zeros around, too: they are b then.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from solver.arithmetic import multiply_add
from solver.compiling import kernel
from solver.cpu import plane
from solver.cpu.autocorrelation import CORNER, DISTANCES, NUMBERS, SIDE, TOTAL
from solver.cpu.by_cell import make_room, make_starts, place_of, planes_of, put_planes
from solver.cpu.convolution import TAPS
from solver.cpu.field_bench import load, shift_run, unload
from solver.cpu.pointers import keep_alive, pointer
from solver.cpu.sharing import share_out
from solver.cpu.tiles import fill_run
from solver.cpu.vectors import take_widest
from solver.records import Array

# What a channel has, laid out as the numbers of an autocorrelation: G at 13 distances and what is added to every cell;
# for each side a filter at three distances and what is added along it; for each corner a factor, and what is added.
LINES = ((6, 7, 8), (0, 1, 2), (2, 5, 8), (0, 3, 6))  # taps by which sums beyond a side give back to its line
CORNERS = ((8,), (6,), (2,), (0,))
ADDED = [TOTAL, *range(SIDE + 3, CORNER, 4), *range(CORNER + 1, NUMBERS, 2)]


def composite(filters: Array, factors: Array, levels: Array, centres: Array) -> Array:
    """Return the numbers of each channel, (C, NUMBERS), from w (C, n, 9), c and e (C, n).

    `centres`, (C,) or empty, are subtracted from the channels: they are -b.
    """
    w, c = filters.astype(np.float64), factors[..., None]
    b = -centres[:, None, None] if centres.size else 0.0
    result = np.empty((len(w), NUMBERS))
    products = ((c * w).swapaxes(1, 2) @ w).reshape(-1, TAPS * TAPS)  # c w_s w_t, summed over the fields
    result[:, _MULTIPLIED] = _SIGNS * np.add.reduceat(products[:, _PAIRS], _FIRST_PAIRS, 1)
    total, ends = w.sum(-1, keepdims=True), np.add.reduceat(w[..., _TAPS], _FIRST_TAPS, 2)
    result[:, ADDED[0]] = (levels * total[..., 0]).sum(1)
    result[:, ADDED[1:]] = _SIGNS_OF_ENDS * ((b * c * (total - ends) + levels[..., None]) * ends).sum(1)
    return result


def _pairs_at(down: int, across: int) -> list[tuple[int, int]]:
    """Return the taps that lie so far apart."""
    return [(s, t) for s in range(TAPS) for t in range(TAPS) if (t // 3 - s // 3, t % 3 - s % 3) == (down, across)]


def _joined(groups: Sequence[Sequence[int]]) -> tuple[Array, Array]:
    """Return all members, and where each group begins."""
    return np.concatenate([np.array(group) for group in groups]), np.cumsum([0, *map(len, groups[:-1])])


# Which products of two taps make each number that I is multiplied by, and which taps each end.
_GROUPS = [
    *([(number, 1, _pairs_at(*distance)) for number, distance in enumerate(DISTANCES)]),
    *([(SIDE + 4 * k + d, -1, [*zip(line, line[d:], strict=False)]) for k, line in enumerate(LINES) for d in range(3)]),
    *([(CORNER + 2 * k, 1, [(tap, tap)]) for k, (tap,) in enumerate(CORNERS)]),
]
_MULTIPLIED, _SIGNS = [number for number, _, _ in _GROUPS], np.array([sign for _, sign, _ in _GROUPS])
_PAIRS, _FIRST_PAIRS = _joined([[TAPS * s + t for s, t in pairs] for _, _, pairs in _GROUPS])
_TAPS, _FIRST_TAPS = _joined([*LINES, *CORNERS])
_SIGNS_OF_ENDS = np.repeat([-1, 1], [len(LINES), len(CORNERS)])


@kernel()
def add_composite(out, made, numbers, centres, image, shape, order, span):
    """Add what the composite filter makes of `image` to `made`, the planes of a span of parts.

    All are flat. `made` is in planes; the result, `out`, lies as `image`, and is `made` itself if that is in planes.
    `centres` are subtracted from the channels; empty: nothing.
    """
    share_out(add_some, (out, made, numbers, centres, image, shape, order), span)


@kernel(part=True)
def add_some(out, made, numbers, centres, image, shape, order, first, last):
    """Do so for parts first..last-1, each of so many planes as `order` does together.

    In scratch a plane is flat with a column beside it on either side, and two rows and a cell above and below.
    """
    C, rows, columns = shape
    S, at, cells = columns + 2, 3 * (columns + 2), rows * columns
    planes = plane.padded_planes(2, rows + 4, columns, image)
    work, to = pointer(planes.reshape(-1), 0), planes.shape[1] + at
    room, result, starts = (
        make_room(order, order.together, image),
        make_room(order, order.together, image),
        make_starts(order),
    )
    given, g = pointer(made, 0), pointer(numbers, 0)
    for begin in range(first * order.together, min(last * order.together, made.size // cells), order.together):
        stop = min(begin + order.together, made.size // cells)
        here, there = planes_of(image, room, order, starts, begin, stop), place_of(out, result, order, begin, stop)
        for p in range(begin, stop):
            own, start = pointer(g, p % C * NUMBERS), (p - begin) * cells
            if centres.size:
                fill_run(work, 0, planes.shape[1], image.dtype.type(0))
            load(work, at, pointer(here, 0), start, rows, columns)
            if centres.size:
                shift_run(work, 0, planes.shape[1], centres[p % C])
            load(work, to, given, p * cells, rows, columns)
            add_filtered(work, to, work, at, S, own, rows * S)
            for side in range(2):
                row, column = 1 + side * (rows - 1) * S, 1 + side * (columns - 1)
                add_along(work, to + row, work, at + row, 1, pointer(own, SIDE + 4 * side), columns)
                add_along(work, to + column, work, at + column, S, pointer(own, SIDE + 8 + 4 * side), rows)
                for end in range(2):
                    cell, of_corner = row + end * (columns - 1), CORNER + 4 * side + 2 * end
                    work[to + cell] += own[of_corner] * work[at + cell] + own[of_corner + 1]
            unload(pointer(there, 0), start, work, to, rows, columns)
        put_planes(out, result, order, starts, begin, stop)
        keep_alive(here, there)
    keep_alive(planes, made, numbers, room, result)


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
