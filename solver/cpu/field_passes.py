"""Passes over the planes of an image, each with its fields made anew; see `solver.cpu.learned_fields`."""

from __future__ import annotations

from solver.compiling import kernel
from solver.cpu.convolution import rectify_pair
from solver.cpu.field_bench import around, load_image, open_bench, open_source, scratch, unload
from solver.cpu.pointers import keep_alive, pointer
from solver.cpu.sharing import share_out
from solver.cpu.streaming import fence, stream_run


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
    to, source = pointer(out, 0), open_source(image, 0, centres)
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
        for which in range(2):
            to_field, made = at + (field + which) * cells, bench.first if which == 0 else bench.second
            if streamed:
                for i in range(rows):
                    stream_run(out, to_field + i * columns, work, made + i * bench.S + 1, columns)
            else:
                unload(out, to_field, work, made, rows, columns)
