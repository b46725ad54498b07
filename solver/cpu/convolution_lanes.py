"""Loops of a layer around the equation, over packs of planes: see `solver.cpu.convolution` and `solver.cpu.lanes`.

A number that each plane has for itself, such as a weight, is a vector here.
"""

from __future__ import annotations

from solver.arithmetic import multiply_add
from solver.compiling import kernel, point_function
from solver.cpu.convolution import rectified, weighted
from solver.cpu.copying import copy_run
from solver.cpu.transposing import LANES
from solver.cpu.vectors import take_widest

TOGETHER = 4  # cells of a row whose sums are made with one load of the weights, and hide how long each sum takes


@kernel(part=True)
def frame(to, source, rows, columns):
    """Copy a pack into one with a border around each plane, which stays as it is."""
    S = (columns + 2) * LANES
    for i in range(rows):
        copy_run(to, (i + 1) * S + LANES, source, i * columns * LANES, columns * LANES)


@point_function
def filtered_lane(w, shift, x, at, S, zero):
    """Return ReLU(convolution + shift) of the number whose north-western neighbour is at `at`."""
    row, south = at + S, at + 2 * S
    around = (
        x[at], x[at + LANES], x[at + 2 * LANES],
        x[row], x[row + LANES], x[row + 2 * LANES],
        x[south], x[south + LANES], x[south + 2 * LANES],
    )  # fmt: skip
    return rectified(weighted(w, shift, around), zero)


@point_function
def filter_of_lane(weights, lane):
    """Return the nine weights of one lane."""
    w = weights
    return (
        w[lane], w[LANES + lane], w[2 * LANES + lane],
        w[3 * LANES + lane], w[4 * LANES + lane], w[5 * LANES + lane],
        w[6 * LANES + lane], w[7 * LANES + lane], w[8 * LANES + lane],
    )  # fmt: skip


@kernel(apart=True, part=True)
def filter_lanes(field, x, weights, shifts, rows, columns, zero):
    """Make a field of a pack, ReLU(convolution + shift), from `x`, the image in its frame."""
    take_widest()
    S = (columns + 2) * LANES
    for i in range(rows):
        if columns < TOGETHER:
            for j in range(columns):
                at, to = i * S + j * LANES, (i * columns + j) * LANES
                for lane in range(LANES):
                    w = filter_of_lane(weights, lane)
                    field[to + lane] = filtered_lane(w, shifts[lane], x, at + lane, S, zero)
        else:
            for begin in range(0, columns, TOGETHER):
                j = min(begin, columns - TOGETHER)  # the last ones of a row may be made twice
                at, to = i * S + j * LANES, (i * columns + j) * LANES
                for lane in range(LANES):
                    w, shift = filter_of_lane(weights, lane), shifts[lane]
                    a = filtered_lane(w, shift, x, at + lane, S, zero)
                    b = filtered_lane(w, shift, x, at + lane + LANES, S, zero)
                    c = filtered_lane(w, shift, x, at + lane + 2 * LANES, S, zero)
                    d = filtered_lane(w, shift, x, at + lane + 3 * LANES, S, zero)
                    field[to + lane] = a
                    field[to + lane + LANES] = b
                    field[to + lane + 2 * LANES] = c
                    field[to + lane + 3 * LANES] = d


@kernel(apart=True, part=True)
def finish_lanes(out, start, pitch, h, scales, offsets, cells, zero):
    """Norm and ReLU of a pack; a cell's numbers go `pitch` numbers behind those of the cell before."""
    take_widest()
    for q in range(cells):
        to, at = start + q * pitch, q * LANES
        for lane in range(LANES):
            out[to + lane] = rectified(multiply_add(scales[lane], h[at + lane], offsets[lane]), zero)
