"""What the gradient of the fields gives to their filters and to the image.

With g the gradient of the fields where the ReLU lets it through, * the convolution and *' its adjoint,

    dL/dy = scale g + slope y + level,    dL/dw = sum of dL/dy I,    dL/dI = dL/dy *' w

slope and level follow from means over the batch of what this pass sums (`learned_fields.finish`). Both gradients are
linear in dL/dy, so that the pass gives them what comes of g, while a cache has it. What comes of the rest needs no g:
the filters' share follows from `solver.cpu.surroundings`, the image's is one filter of the image itself
(`solver.cpu.composite`).
"""

from __future__ import annotations

import numpy as np

from solver.compiling import kernel
from solver.cpu.convolution import TAPS, filter_of
from solver.cpu.convolution_adjoint import pull_convolution, taps_of_two, turned
from solver.cpu.field_bench import (
    around,
    fill_borders,
    load,
    load_image,
    open_bench,
    open_source,
    scratch,
    unload,
)
from solver.cpu.field_passes import make_values
from solver.cpu.pointers import keep_alive, pointer
from solver.cpu.sharing import share_out
from solver.cpu.storing import total_run
from solver.cpu.tiles import fill_run
from solver.cpu.vectors import take_widest

RUN = 2**12  # cells whose sums of products are kept in their own precision: a sum of one product is begun anew sooner
RUN_OF_ONE = 2**10
SUMS = 1 + TAPS  # numbers that the first pass makes of a field of a plane: the sums of g and of g I around


@kernel(apart=True, part=True)
def let_through(work, at, g, fields, start, rows, columns, zero):
    """Copy a plane of a gradient into scratch, zero where the field is not positive; NaN lets through, as in torch."""
    take_widest()
    for i in range(rows):
        to, here = at + i * (columns + 2) + 1, start + i * columns
        for q in range(columns):
            work[to + q] = zero if fields[here + q] <= zero else g[here + q]


@kernel(part=True)
def sum_of(a, at, n, zero):
    """Return the sum of n cells in double precision, added up run by run."""
    total = 0.0
    for start in range(0, n, RUN_OF_ONE):
        total += total_run(a, at + start, min(RUN_OF_ONE, n - start), zero)
    return total


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
    pull_convolution(bench.work, bench.made, bench.work, a, b, w_a, w_b, bench.size)


@kernel(part=True)
def collect(sums, g, fields, bench, weights, of_image, shape, p, zero):
    """Write the sums of plane p, whose image is on the bench, and add to what is made there what g gives the image.

    `g` and `fields` are pointers to the n planes of its fields' gradient and to these; scale is folded into `weights`.
    """
    C, n, rows, columns = shape
    work, cells = bench.work, rows * columns
    for at in (bench.first, bench.second):
        fill_borders(work, at, rows, columns, zero)
    for field in range(0, n, 2):
        for which in range(2):
            at, start, to = bench.first if which == 0 else bench.second, (field + which) * cells, p * n + field + which
            let_through(work, at, g, fields, start, rows, columns, zero)
            sums[to * SUMS] = sum_of(work, at, bench.size, zero)
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
    room = np.empty(n * cells, image.dtype)
    bench, weights, shift = open_bench(planes, shape), pointer(folded, 0), pointer(shifts, 0)
    fields, to = pointer(room, 0), pointer(sums, 0)
    gradient, made, wanted = pointer(given, 0), pointer(of_image, 0), of_image.size > 0
    source = open_source(image, 0, centres)
    for p in range(first, last):
        load_image(bench, source, p)
        make_values(fields, 0, bench, weights, shift, False, shape, p, zero)
        if adds:
            load(bench.work, bench.made, made, p * cells, rows, columns)
        elif wanted:
            fill_run(bench.work, bench.made, bench.size, zero)
        collect(to, pointer(gradient, p * n * cells), fields, bench, weights, wanted, shape, p, zero)
        if wanted:
            unload(made, p * cells, bench.work, bench.made, rows, columns)
    keep_alive(planes, room, of_image, sums, given, shifts, centres, image, folded)
