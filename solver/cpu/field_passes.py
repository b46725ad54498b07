"""Passes over the planes of an image, each with its fields made anew; see `solver.cpu.learned_fields`."""

from __future__ import annotations

import numpy as np

from solver.compiling import kernel
from solver.cpu.convolution import rectify_pair
from solver.cpu.copying import copy_run
from solver.cpu.field_bench import around, convolve_bench, fill_borders, load_image, open_bench, open_source, scratch
from solver.cpu.pointers import keep_alive, pointer
from solver.cpu.sharing import share_out
from solver.cpu.storing import total_run
from solver.cpu.streaming import fence, stream_run

RUN = 2**10  # cells whose sum is kept in their own precision


@kernel(reassociate=True, part=True)
def squares_run(a, at, n, mean, zero):
    """Return the sum of the squares of n cells' deviations."""
    total = zero
    for q in range(n):
        total += (a[at + q] - mean) * (a[at + q] - mean)
    return total


@kernel(part=True)
def sum_of(a, at, n, zero):
    """Return the sum of n cells in double precision, added up run by run."""
    total = 0.0
    for start in range(0, n, RUN):
        total += total_run(a, at + start, min(RUN, n - start), zero)
    return total


@kernel(part=True)
def squares_of(a, at, n, mean, zero):
    """Return the sum of the squares of n cells' deviations in double precision."""
    total = 0.0
    for start in range(0, n, RUN):
        total += squares_run(a, at + start, min(RUN, n - start), mean, zero)
    return total


@kernel()
def moments(found, centres, image, filters, shape, span):
    """Write mean and sum of squared deviations of y for each field of a span of planes."""
    share_out(moments_some, (found, centres, image, filters, shape), span)


@kernel(part=True)
def moments_some(found, centres, image, filters, shape, first, last):
    """Do so for planes first..last-1."""
    C, n, rows, columns = shape
    planes, zero, cells = scratch(shape, image), image.dtype.type(0), rows * columns
    nothing = np.zeros(C * n, image.dtype)
    bench, weights, shifts = open_bench(planes, shape), pointer(filters, 0), pointer(nothing, 0)
    work, size, source = bench.work, bench.size, open_source(image, centres)
    for p in range(first, last):
        load_image(bench, source, p)
        for field in range(0, n, 2):
            convolve_bench(bench, weights, shifts, p % C * n + field, zero)
            for which in range(2):
                at, to = bench.first if which == 0 else bench.second, 2 * (p * n + field + which)
                fill_borders(work, at, rows, columns, zero)
                mean = image.dtype.type(sum_of(work, at, size, zero) / cells)
                fill_borders(work, at, rows, columns, mean)
                found[to], found[to + 1] = mean, squares_of(work, at, size, mean, zero)
    keep_alive(planes, nothing, image, centres, filters)


@kernel()
def values(out, shifts, streamed, centres, image, filters, shape, span):
    """Write the fields of a span of planes, from filters and shifts into which the norm is folded.

    `streamed`: past the caches.
    """
    share_out(values_some, (out, shifts, streamed, centres, image, filters, shape), span)


@kernel(part=True)
def values_some(out, shifts, streamed, centres, image, filters, shape, first, last):
    """Do so for planes first..last-1."""
    planes, cells = scratch(shape, image), shape[1] * shape[2] * shape[3]
    bench, weights, shift = open_bench(planes, shape), pointer(filters, 0), pointer(shifts, 0)
    to, source = pointer(out, 0), open_source(image, centres)
    for p in range(first, last):
        load_image(bench, source, p)
        make_values(to, p * cells, bench, weights, shift, streamed, shape, p, image.dtype.type(0))
    fence()
    keep_alive(planes, out, image, centres, filters, shifts)


@kernel(part=True)
def make_values(out, at, bench, weights, shifts, streamed, shape, p, zero):
    """Write the fields of the plane on the bench, which is plane p, from `at` on."""
    C, n, rows, columns = shape
    work, cells = bench.work, rows * columns
    for field in range(0, n, 2):
        rectify_pair(
            work, bench.first, work, bench.second, work, around(bench.image, bench.S), weights, shifts,
            p % C * n + field, bench.size, zero,
        )  # fmt: skip
        for i in range(rows):
            to, row = at + field * cells + i * columns, i * bench.S + 1
            if streamed:
                stream_run(out, to, work, bench.first + row, columns)
                stream_run(out, to + cells, work, bench.second + row, columns)
            else:
                copy_run(out, to, work, bench.first + row, columns)
                copy_run(out, to + cells, work, bench.second + row, columns)
