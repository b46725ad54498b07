"""K time steps with a filter of one plane that is too large for a cache, its rows shared out among the threads.

Bands of rows have a size that depends on the plane alone, so the result does not depend on the number of threads.
"""

from __future__ import annotations

from solver.compiling import kernel
from solver.cpu import plane
from solver.cpu.forward import COEFFICIENTS, SLOTS, source_plane
from solver.cpu.layout import Extent
from solver.cpu.sharing import share_out
from solver.cpu.threads import Team, share
from solver.records import Array, Ratios

BAND = 16_384  # cells: the ten words a cell that a sweep touches then stay within a second-level cache


def forward_bands(
    now_out: Array,
    old_out: Array,
    arrays: tuple[Array, ...],
    table: Array,
    ratios: Ratios,
    extent: Extent,
    p: int,
    team: Team,
) -> None:
    """Advance plane p of the batch; write H[K], and H[K-1] if `old_out` has room for it."""
    rows, columns, sides = extent.rows, extent.columns, extent.sides
    cells = rows * columns
    height = max(1, BAND // (columns + 2))
    bands = -(-rows // height)
    cut = (extent, height)
    scratch = plane.padded_planes(SLOTS, rows, columns, now_out)
    old, now, new = scratch[7], scratch[8], scratch[9]

    share(load_bands, (scratch, arrays, table, p, cut), bands, team)
    for slot in (10, 12, 8):
        plane.wrap_rows(scratch[slot], rows, columns, sides)
    plane.turn_rows(scratch[10], rows, columns, sides)
    share(assemble_bands, (scratch, ratios, cut), bands, team)
    for k in range(extent.steps):
        share(sweep_bands, (new, scratch, now, old, cut), bands, team)
        if k >= extent.unfiltered:
            share(move_bands, (new, now, old, ratios, cut), bands, team)
        plane.wrap_rows(new, rows, columns, sides)
        old, now, new = now, new, old
    plane.store_rows(now_out[p * cells : (p + 1) * cells], now, 0, rows, columns)
    if old_out.size:
        plane.store_rows(old_out[p * cells : (p + 1) * cells], old, 0, rows, columns)


@kernel()
def load_bands(scratch, arrays, table, p, cut, span):
    """Load the rows of a span of bands of all inputs; `cut` is (extent, rows of a band)."""
    share_out(load_some, (scratch, arrays, table, p, cut), span)


@kernel(part=True)
def load_some(scratch, arrays, table, p, cut, first, last):
    """Do so for bands first..last-1."""
    extent, height = cut
    rows, columns, sides = extent.rows, extent.columns, extent.sides
    begin, end = first * height, min(last * height, rows)
    slots = (8, 7, 14, 10, 11, 12, 13)
    for which in range(7):
        plane.load_rows(scratch[slots[which]], source_plane(arrays, table, which, p), begin, end, columns)
    for slot in (8, 11, 13):
        plane.wrap_columns(scratch[slot], begin + 1, end + 1, columns, sides)
    plane.turn_columns(scratch[11], begin + 1, end + 1, columns, sides)


@kernel()
def assemble_bands(scratch, ratios, cut, span):
    """Assemble the coefficients of a span of bands."""
    share_out(assemble_some, (scratch, ratios, cut), span)


@kernel(part=True)
def assemble_some(scratch, ratios, cut, first, last):
    """Do so for bands first..last-1."""
    extent, height = cut
    rows, columns = extent.rows, extent.columns
    c, u, v, Dx, Dy, f = scratch[:COEFFICIENTS], scratch[10], scratch[11], scratch[12], scratch[13], scratch[14]
    for band in range(first, last):
        start, stop = band * height + 1, min((band + 1) * height, rows) + 1
        plane.assemble(c, u, v, Dx, Dy, f, start * (columns + 2), stop * (columns + 2), columns, ratios)
        plane.hold_walls(c, f, start, stop, rows, columns, extent.sides)


@kernel()
def sweep_bands(new, scratch, now, old, cut, span):
    """One time step of a span of bands, their border columns wrapped."""
    share_out(sweep_some, (new, scratch, now, old, cut), span)


@kernel(part=True)
def sweep_some(new, scratch, now, old, cut, first, last):
    """Do so for bands first..last-1."""
    extent, height = cut
    rows, columns = extent.rows, extent.columns
    for band in range(first, last):
        start, stop = band * height + 1, min((band + 1) * height, rows) + 1
        plane.sweep(new, scratch[:COEFFICIENTS], now, old, start * (columns + 2), stop * (columns + 2), columns)
        plane.wrap_columns(new, start, stop, columns, extent.sides)


@kernel()
def move_bands(new, now, old, ratios, cut, span):
    """Filter a span of bands; the border columns of `new` are wrapped again."""
    share_out(move_some, (new, now, old, ratios, cut), span)


@kernel(part=True)
def move_some(new, now, old, ratios, cut, first, last):
    """Do so for bands first..last-1."""
    extent, height = cut
    rows, columns = extent.rows, extent.columns
    for band in range(first, last):
        start, stop = band * height + 1, min((band + 1) * height, rows) + 1
        plane.move(new, now, old, start * (columns + 2), stop * (columns + 2), ratios)
        plane.wrap_columns(new, start, stop, columns, extent.sides)
