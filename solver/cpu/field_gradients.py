"""What the gradient of the fields gives to their filters and to the image, in two passes over the planes.

With g the gradient of the fields where the ReLU lets it through, * the convolution and *' its adjoint,

    dL/dy = scale g - slope (y - mean) - level,    dL/dw = sum of dL/dy I,    dL/dI = dL/dy *' w

slope and level are means over the batch of what the first pass sums. Both gradients are linear in dL/dy, so that the
first pass gives them what comes of g, and the second, which makes y anew, what comes of the rest: g is needed once,
while a cache has it.
"""

from __future__ import annotations

import numpy as np

from solver.compiling import kernel
from solver.cpu.convolution import TAPS, convolved, filter_of
from solver.cpu.copying import copy_run
from solver.cpu.field_bench import (
    around,
    convolve_bench,
    fill_borders,
    load,
    load_image,
    open_bench,
    open_source,
    scratch,
    unload,
)
from solver.cpu.field_passes import make_values, sum_of
from solver.cpu.pointers import keep_alive, pointer
from solver.cpu.sharing import share_out
from solver.cpu.tiles import fill_run
from solver.cpu.vectors import take_widest

RUN = 2**12  # cells whose eighteen sums are kept in their own precision: one sum is begun anew sooner
SUMS = 1 + TAPS  # numbers that the first pass makes of a field of a plane: the sums of g and of g I around


@kernel(apart=True, part=True)
def let_through(g, fields, n, zero):
    """Clear n numbers of a gradient where the field is not positive; NaN lets through, as in torch."""
    for q in range(n):
        g[q] = zero if fields[q] <= zero else g[q]


@kernel(reassociate=True, part=True)
def taps_of_two(to, a_to, b_to, a, b, d, x, around, n, zero):
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


@kernel(apart=True, part=True)
def pull_convolution(out, at, a, b, around_a, around_b, w_a, w_b, n):
    """Add to n cells what two fields give back: the convolution of each with its filter turned around."""
    take_widest()
    for q in range(n):
        y = convolved(w_a, out[at + q], a, around_a.north + q, around_a.row + q, around_a.south + q)
        out[at + q] = convolved(w_b, y, b, around_b.north + q, around_b.row + q, around_b.south + q)


@kernel(inline=True)
def turned(w):
    """Return nine weights from the last to the first."""
    return w[8], w[7], w[6], w[5], w[4], w[3], w[2], w[1], w[0]


@kernel(part=True)
def write_taps(to, first, second, bench, zero):
    """Write the sums of both planes on the bench, with borders of zeros, times the nine cells around in the image."""
    work, S = bench.work, bench.S
    for tap in range(TAPS):
        to[first + tap], to[second + tap] = 0.0, 0.0
    for start in range(0, bench.size, RUN):
        n, image = min(RUN, bench.size - start), around(bench.image + start, S)
        taps_of_two(to, first, second, bench.first + start, bench.second + start, work, work, image, n, zero)


@kernel(inline=True)
def pull_both(bench, weights, filter_at):
    """Add to what is made of the image what both fields on the bench give back."""
    w_a, w_b = turned(filter_of(weights, filter_at)), turned(filter_of(weights, filter_at + 1))
    a, b = around(bench.first, bench.S), around(bench.second, bench.S)
    pull_convolution(bench.work, bench.made, bench.work, bench.work, a, b, w_a, w_b, bench.size)


@kernel(part=True)
def collect(sums, g, bench, weights, of_image, shape, p, zero):
    """Write the sums of plane p, whose image is on the bench, and add to what is made there what g gives the image.

    `g` is a pointer to the n planes of the gradient of its fields, let through; scale is folded into `weights`.
    """
    C, n, rows, columns = shape
    work, cells = bench.work, rows * columns
    for at in (bench.first, bench.second):
        fill_borders(work, at, rows, columns, zero)
    for field in range(0, n, 2):
        for which in range(2):
            at, start, to = bench.first if which == 0 else bench.second, (field + which) * cells, p * n + field + which
            load(work, at, g, start, rows, columns)
            sums[to * SUMS] = sum_of(g, start, cells, zero)
        to = (p * n + field) * SUMS + 1
        write_taps(sums, to, to + SUMS, bench, zero)
        if of_image:
            pull_both(bench, weights, p % C * n + field)


@kernel()
def first_pass(of_image, adds, sums, given, shifts, centres, image, folded, shape, span):
    """Write what the gradient of the fields, `given`, sums to and gives the image, if there is room for it.

    `adds`: to what stands in place of the image's gradient.
    """
    share_out(first_some, (of_image, adds, sums, given, shifts, centres, image, folded, shape), span)


@kernel(part=True)
def first_some(of_image, adds, sums, given, shifts, centres, image, folded, shape, first, last):
    """Do so for planes first..last-1."""
    n, rows, columns = shape[1:]
    planes, zero, cells = scratch(shape, image), image.dtype.type(0), rows * columns
    room = np.empty(2 * n * cells, image.dtype)
    bench, weights, shift = open_bench(planes, shape), pointer(folded, 0), pointer(shifts, 0)
    fields, g, to = pointer(room, 0), pointer(room, n * cells), pointer(sums, 0)
    gradient, made, wanted = pointer(given, 0), pointer(of_image, 0), of_image.size > 0
    source = open_source(image, centres)
    for p in range(first, last):
        load_image(bench, source, p)
        make_values(fields, 0, bench, weights, shift, False, shape, p, zero)
        copy_run(g, 0, gradient, p * n * cells, n * cells)
        let_through(g, fields, n * cells, zero)
        if adds:
            load(bench.work, bench.made, made, p * cells, rows, columns)
        elif wanted:
            fill_run(bench.work, bench.made, bench.size, zero)
        collect(to, g, bench, weights, wanted, shape, p, zero)
        if wanted:
            unload(made, p * cells, bench.work, bench.made, rows, columns)
    keep_alive(planes, room, of_image, sums, given, shifts, centres, image, folded)


@kernel()
def second_pass(of_image, of_filters, rest, centres, image, filters, shape, span):
    """Add to the gradient of the image, and write for each plane's filters, what comes of the means over the batch.

    `rest` are filters and shifts that make -slope (y - mean) - level of the image less `centres`.
    """
    share_out(second_some, (of_image, of_filters, rest, centres, image, filters, shape), span)


@kernel(part=True)
def second_some(of_image, of_filters, rest, centres, image, filters, shape, first, last):
    """Do so for planes first..last-1."""
    C, n, rows, columns = shape
    planes, zero, cells = scratch(shape, image), image.dtype.type(0), rows * columns
    bench, weights, out = open_bench(planes, shape), pointer(filters, 0), pointer(of_filters, 0)
    work, weights_of_rest, shifts = bench.work, pointer(rest[0], 0), pointer(rest[1], 0)
    made, wanted, source = pointer(of_image, 0), of_image.size > 0, open_source(image, centres)
    for p in range(first, last):
        load_image(bench, source, p)
        if wanted:
            load(work, bench.made, made, p * cells, rows, columns)
        for field in range(0, n, 2):
            filter_at = p % C * n + field
            convolve_bench(bench, weights_of_rest, shifts, filter_at)
            for at in (bench.first, bench.second):
                fill_borders(work, at, rows, columns, zero)
            to = (p * n + field) * TAPS
            write_taps(out, to, to + TAPS, bench, zero)
            if wanted:
                pull_both(bench, weights, filter_at)
        if wanted:
            unload(made, p * cells, work, bench.made, rows, columns)
    keep_alive(planes, of_image, of_filters, rest, centres, image, filters)
