"""K time steps on the GPU: a small plane by one block in one launch, larger ones step by step."""

from __future__ import annotations

from functools import cache
from typing import Any

from solver.cuda.cells import assembled, place_of, read, source_of, stepped
from solver.cuda.target import cuda, kernel

NOW, OLD = 0, 1


@cache
def whole_planes(cells_a_thread: int, dtype: Any) -> Any:
    """Return the kernel that makes all steps of a plane in one block, so many cells a thread.

    Inputs are read once, H[K] is written once. A thread keeps the coefficients and H[k-1] of its cells in registers;
    two levels are in shared memory, of which one is read while the other is written.
    """

    @kernel
    def forward(now_out, old_out, arrays, table, r, rows, columns, sides, steps, planes):
        levels = cuda.shared.array(0, dtype)
        c = cuda.local.array((cells_a_thread, 7), dtype)
        olds = cuda.local.array(cells_a_thread, dtype)
        cells, first, stride = rows * columns, cuda.threadIdx.x, cuda.blockDim.x
        for p in range(cuda.blockIdx.x, planes, cuda.gridDim.x):
            source = source_of(table, p)
            for m in range(cells_a_thread):
                q = first + m * stride
                if q < cells:
                    place = place_of(q, rows, columns, sides, r)
                    made = assembled(arrays, source, place, r)
                    c[m, 0], c[m, 1], c[m, 2], c[m, 3], c[m, 4], c[m, 5], c[m, 6] = made
                    olds[m] = read(arrays, source, OLD, q)
                    levels[q] = read(arrays, source, NOW, q)
            cuda.syncthreads()
            for k in range(steps):
                at, to = k % 2 * cells, (k + 1) % 2 * cells
                for m in range(cells_a_thread):
                    q = first + m * stride
                    if q < cells:
                        place = place_of(q, rows, columns, sides, r)
                        point = c[m, 0], c[m, 1], c[m, 2], c[m, 3], c[m, 4], c[m, 5], c[m, 6]
                        new = stepped(point, olds[m], levels, at, place)
                        olds[m] = levels[at + q]
                        levels[to + q] = new
                cuda.syncthreads()
            for m in range(cells_a_thread):
                q = first + m * stride
                if q < cells:
                    now_out[p * cells + q] = levels[steps % 2 * cells + q]
                    if old_out.size > 0:
                        old_out[p * cells + q] = olds[m]
            cuda.syncthreads()  # the next plane's H[0] goes where this one's H[K] may still be read

    return forward


@kernel
def begin(now_out, old_out, arrays, table, cells, planes):
    """Copy H[0] and H[-1] of all planes."""
    for index in range(cuda.grid(1), planes * cells, cuda.gridsize(1)):
        p = index // cells
        source, q = source_of(table, p), index - p * cells
        now_out[index], old_out[index] = read(arrays, source, NOW, q), read(arrays, source, OLD, q)


@kernel
def sweep(old, now, arrays, table, r, rows, columns, sides, planes):
    """Make one step of all planes: H[k+1] is written over `old`, H[k-1]."""
    cells = rows * columns
    for index in range(cuda.grid(1), planes * cells, cuda.gridsize(1)):
        p = index // cells
        start = p * cells
        place = place_of(index - start, rows, columns, sides, r)
        old[index] = stepped(assembled(arrays, source_of(table, p), place, r), old[index], now, start, place)
