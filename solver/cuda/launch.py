"""Which kernel makes a call, and with how many threads."""

from __future__ import annotations

from typing import Any

from numba import from_dtype

from solver.cuda import adjoint_kernels, forward_kernels
from solver.cuda.batch import DeviceBatch

THREADS = 256  # of a block, where a plane has as many cells
MOST_THREADS, WARP = 1024, 32
CELLS_A_THREAD = (1, 2, 4)  # whose coefficients and H[k-1] a thread keeps in registers
SHARED = 48 * 1024  # bytes of shared memory that a block has without asking
ROOM = 2**28  # bytes of global scratch of an adjoint whose planes do not fit there
BLOCKS = 4096  # of a launch over all cells


def advance(batch: DeviceBatch, steps: int, now_out: Any, old_out: Any) -> None:
    """Write H[K] and, if there is room for it, H[K-1]."""
    fit = _whole_plane(batch)
    table, r, sides = batch.table, batch.ratios, batch.sides
    if fit is not None:
        each, threads = fit
        kernel = forward_kernels.whole_planes(each, from_dtype(batch.dtype))
        launch = kernel[batch.planes, threads, batch.stream, 2 * batch.cells * batch.dtype.itemsize]
        launch(now_out, old_out, batch.arrays, table, r, batch.rows, batch.columns, sides, steps, batch.planes)
        return
    # A step is written over the level before the last: the newest must be in `now_out` at the end.
    other = old_out if old_out.size else batch.memory()
    levels = (now_out, other) if steps % 2 == 0 else (other, now_out)
    blocks = max(1, min(BLOCKS, -(-batch.planes * batch.cells // THREADS)))
    forward_kernels.begin[blocks, THREADS, batch.stream](*levels, batch.arrays, table, batch.cells, batch.planes)
    for _ in range(steps):
        now, old = levels
        forward_kernels.sweep[blocks, THREADS, batch.stream](
            old, now, batch.arrays, table, r, batch.rows, batch.columns, sides, batch.planes
        )
        levels = old, now


def pull_back(batch: DeviceBatch, steps: int, of_now: Any, of_old: Any, gradients: tuple[Any, ...]) -> None:
    """Write the gradients of all inputs whose memory is not empty, a number a cell; K >= 1."""
    bytes_of_block = adjoint_kernels.planes_of_scratch(steps) * batch.cells * batch.dtype.itemsize
    shared = bytes_of_block <= SHARED
    threads = _warps(min(batch.cells, THREADS if shared else MOST_THREADS))
    blocks = batch.planes if shared else max(1, min(batch.planes, ROOM // bytes_of_block))
    room = batch.memory(0 if shared else blocks * bytes_of_block // batch.dtype.itemsize)
    kernel = adjoint_kernels.whole_planes(shared, from_dtype(batch.dtype))
    kernel[blocks, threads, batch.stream, bytes_of_block if shared else 0](
        gradients,
        (of_now, of_old),
        room,
        batch.arrays,
        batch.table,
        batch.ratios,
        batch.rows,
        batch.columns,
        batch.sides,
        steps,
        batch.planes,
    )


def _whole_plane(batch: DeviceBatch) -> tuple[int, int] | None:
    """Return the cells a thread and the threads of a block that makes a plane; None for one that is too large."""
    each = next((n for n in CELLS_A_THREAD if batch.cells <= n * THREADS), CELLS_A_THREAD[-1])
    threads = _warps(-(-batch.cells // each))
    fits = threads <= MOST_THREADS and 2 * batch.cells * batch.dtype.itemsize <= SHARED
    return (each, threads) if fits else None


def _warps(threads: int) -> int:
    """Return so many threads or more, whole warps."""
    return -(-threads // WARP) * WARP
