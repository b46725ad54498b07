"""The gradients of one plane, made in scratch without borders and written to where they belong."""

from __future__ import annotations

import numpy as np

from solver.compiling import kernel
from solver.cpu.copying import copy_run
from solver.cpu.pointers import pointer
from solver.cpu.streaming import stream_run
from solver.cpu.tiles import LINE
from solver.cpu.whole import NOW, OLD, SOURCE

GRADIENTS = 7


@kernel(part=True)
def plane_size(cells, itemsize):
    """Cells from one plane to the next: whole cache lines, and two more, so that planes lie on different sets."""
    line = LINE // itemsize
    return (cells + line - 1) // line * line + 2 * line


@kernel(part=True)
def make_gradients(cells, like):
    """Allocate for the gradients of the seven inputs."""
    return np.empty(GRADIENTS * plane_size(cells, like.itemsize) + LINE // like.itemsize, like.dtype)


@kernel(inline=True)
def open_gradients(store, cells):
    """Return a pointer to the first of seven planes, which begins a cache line, and the cells from one to the next."""
    line = LINE // store.itemsize
    return pointer(store, (-(store.ctypes.data // store.itemsize)) % line), plane_size(cells, store.itemsize)


@kernel(apart=True, part=True)
def finish_levels(g, size, c, lams, extent):
    """Write the gradients of H[0] and H[-1], from padded planes of lam."""
    n = extent.columns
    for i in range(extent.rows):
        begin, to = np.uint64((i + 1) * (n + 2) + 1), i * n
        for j in range(n):
            q = begin + np.uint64(j)
            g[NOW * size + to + j] = lams[0, q]
            g[OLD * size + to + j] = c[0, q] * lams[1, q]


@kernel(part=True)
def store_gradients(targets, store, table, p, cells):
    """Write the seven gradients of plane p: per cell, or the sum where an input has one value a plane."""
    g, size = open_gradients(store, cells)
    for which in (OLD, SOURCE):
        if targets.joined[which]:
            add_run(g, NOW * size, g, which * size, cells)
    for which in range(GRADIENTS):
        if not targets.wanted[which]:
            continue
        to, start = p * targets.strides[which], which * size
        if table[which, 0] == 1 and cells > 1:
            targets.arrays[which][to] = total_run(g, start, cells, store.dtype.type(0))
        elif targets.streamed:
            stream_run(targets.arrays[which], to, g, start, cells)
        else:
            copy_run(targets.arrays[which], to, g, start, cells)


@kernel(apart=True, part=True)
def add_run(target, at, source, start, count):
    """target[at : at + count] += source[start : start + count]."""
    for q in range(count):
        target[at + q] += source[start + q]


@kernel(reassociate=True, part=True)
def total_run(a, at, count, zero):
    """Sum of a run of cells."""
    result = zero
    for q in range(count):
        result += a[at + q]
    return result
