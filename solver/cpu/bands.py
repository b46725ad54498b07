"""K time steps of one plane that is too large for a cache, its rows shared out among the threads.

Bands of rows have a size that depends on the plane alone, so the result does not depend on the number of threads.
"""

from __future__ import annotations

from numba import prange

from solver.compiling import kernel
from solver.cpu import plane
from solver.cpu.forward import COEFFICIENTS, SLOTS, source_plane

BAND = 16_384  # cells: the ten words a cell that a sweep touches then stay within a second-level cache


@kernel(parallel=True)
def forward_bands(now_out, old_out, arrays, table, ratios, extent, p):
    """Advance plane p of the batch; write H[K], and H[K-1] if `old_out` has room for it."""
    rows, columns, steps = extent
    cells = rows * columns
    S = columns + 2
    height = max(1, BAND // S)
    bands = (rows + height - 1) // height
    scratch = plane.padded_planes(SLOTS, rows, columns, now_out)
    c = scratch[:COEFFICIENTS]
    u, v, Dx, Dy, f = scratch[10], scratch[11], scratch[12], scratch[13], scratch[14]
    old, now, new = scratch[7], scratch[8], scratch[9]

    for b in prange(bands):
        first, last = b * height, min((b + 1) * height, rows)
        plane.load_rows(now, source_plane(arrays, table, 0, p), first, last, columns)
        plane.load_rows(old, source_plane(arrays, table, 1, p), first, last, columns)
        plane.load_rows(f, source_plane(arrays, table, 2, p), first, last, columns)
        plane.load_rows(u, source_plane(arrays, table, 3, p), first, last, columns)
        plane.load_rows(v, source_plane(arrays, table, 4, p), first, last, columns)
        plane.load_rows(Dx, source_plane(arrays, table, 5, p), first, last, columns)
        plane.load_rows(Dy, source_plane(arrays, table, 6, p), first, last, columns)
        plane.wrap_columns(v, first + 1, last + 1, columns)
        plane.wrap_columns(now, first + 1, last + 1, columns)
    plane.wrap_rows(u, rows, columns)
    plane.wrap_rows(now, rows, columns)

    for b in prange(bands):
        first, last = b * height, min((b + 1) * height, rows)
        plane.assemble(c, u, v, Dx, Dy, f, (first + 1) * S, (last + 1) * S, columns, ratios)

    for _ in range(steps):
        for b in prange(bands):
            first, last = b * height, min((b + 1) * height, rows)
            plane.sweep(new, c, now, old, (first + 1) * S, (last + 1) * S, columns)
            plane.wrap_columns(new, first + 1, last + 1, columns)
        plane.wrap_rows(new, rows, columns)
        old, now, new = now, new, old

    for b in prange(bands):
        first, last = b * height, min((b + 1) * height, rows)
        plane.store_rows(now_out[p * cells : (p + 1) * cells], now, first, last, columns)
        if old_out.size:
            plane.store_rows(old_out[p * cells : (p + 1) * cells], old, first, last, columns)
