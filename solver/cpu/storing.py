"""The gradients of one plane, written from padded planes to where they belong."""

from __future__ import annotations

from solver.compiling import kernel
from solver.cpu import plane
from solver.cpu.copying import copy_run
from solver.cpu.loading import NOW, OLD, SOURCE
from solver.cpu.streaming import stream_run
from solver.cpu.targets import LINE


@kernel(part=True)
def store_plane(flat, at, a, packed, rows, columns, streamed):
    """Write the inner cells of a padded plane to flat[at :]; `packed` is a plane of scratch.

    Rows that are not made of whole cache lines are put together first, if they are to pass the caches.
    """
    S = columns + 2
    by_row = streamed and columns * a.itemsize % LINE == 0
    for i in range(rows):
        if by_row:
            stream_run(flat, at + i * columns, a, (i + 1) * S + 1, columns)
        elif streamed:
            copy_run(packed, i * columns, a, (i + 1) * S + 1, columns)
        else:
            copy_run(flat, at + i * columns, a, (i + 1) * S + 1, columns)
    if streamed and not by_row:
        stream_run(flat, at, packed, 0, rows * columns)


@kernel(part=True)
def store_gradients(targets, g, packed, table, p, extent):
    """Write the seven gradients `g` of plane p: per cell, or the sum where an input has one value a plane."""
    rows, columns = extent.rows, extent.columns
    start, stop = columns + 2, (rows + 1) * (columns + 2)
    for which in (OLD, SOURCE):
        if targets.joined[which]:
            plane.add(g[NOW], g[which], start, stop)
    for which in range(7):
        if not targets.wanted[which]:
            continue
        at = p * targets.strides[which]
        if table[which, 0] == 1 and rows * columns > 1:
            targets.arrays[which][at] = plane.total(g[which], rows, columns)
        else:
            store_plane(targets.arrays[which], at, g[which], packed, rows, columns, targets.streamed)
