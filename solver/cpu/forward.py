"""K time steps with a filter of every plane of a batch, each plane done while it is in cache.

The filter moves H[k] after the neighbours have read it, so a filtered step needs three levels and cannot be written
over H[k-1] as `solver.cpu.march` does. K = 0, a copy, is done here as well.
"""

from __future__ import annotations

from solver.compiling import kernel
from solver.cpu import plane
from solver.cpu.copying import prefetch
from solver.cpu.layout import plane_base
from solver.cpu.sharing import share_out

COEFFICIENTS = 7
SLOTS = COEFFICIENTS + 3 + 5  # coefficients, three time levels, five fields


@kernel(part=True)
def source_plane(arrays, table, which, p):
    """Return the values of input `which` for plane p of the batch."""
    start = plane_base(table, which, p)
    return arrays[which][start : start + table[which, 0]]


@kernel(part=True)
def prefetch_input(arrays, table, which, p):
    """Ask for input `which` of plane p of the batch, unless it shares it with the plane before."""
    if table[which, 0] > 1 and table[which, 3] > 1:
        prefetch(arrays[which], plane_base(table, which, p), table[which, 0])


@kernel(part=True)
def load_fields(fields, arrays, table, p, extent):
    """Fill five padded planes with u, v, Dx, Dy, source; all but the source along the axis on which it is read."""
    rows, columns, sides = extent.rows, extent.columns, extent.sides
    for slot, which in enumerate((3, 4, 5, 6, 2)):
        plane.load_rows(fields[slot], source_plane(arrays, table, which, p), 0, rows, columns)
    for slot in range(0, 4, 2):
        plane.wrap_rows(fields[slot], rows, columns, sides)
        plane.wrap_columns(fields[slot + 1], 1, rows + 1, columns, sides)
    plane.turn_rows(fields[0], rows, columns, sides)
    plane.turn_columns(fields[1], 1, rows + 1, columns, sides)


@kernel(part=True)
def load_levels(now, old, arrays, table, p, rows, columns):
    """Fill two padded planes with H[0] and H[-1]."""
    levels = (now, old)
    for which in range(2):  # a loop, not two calls: each literal index would be compiled apart
        plane.load_rows(levels[which], source_plane(arrays, table, which, p), 0, rows, columns)


@kernel(part=True)
def assemble_plane(c, fields, start, stop, extent, ratios):
    """Assemble the coefficients of a plane from its five fields; hold its Dirichlet walls."""
    rows, columns, sides = extent.rows, extent.columns, extent.sides
    plane.assemble(c, fields[0], fields[1], fields[2], fields[3], fields[4], start, stop, columns, ratios)
    plane.hold_walls(c, fields[4], 1, rows + 1, rows, columns, sides)


@kernel()
def forward_planes(now_out, old_out, arrays, table, ratios, extent, span):
    """Advance the planes of a span; write H[K], and H[K-1] if `old_out` has room for it."""
    share_out(forward_some, (now_out, old_out, arrays, table, ratios, extent), span)


@kernel(part=True)
def forward_some(now_out, old_out, arrays, table, ratios, extent, first, last):
    """Do so for planes first..last-1."""
    rows, columns, sides = extent.rows, extent.columns, extent.sides
    cells = rows * columns
    scratch = plane.padded_planes(SLOTS, rows, columns, now_out)
    c, fields = scratch[:COEFFICIENTS], scratch[COEFFICIENTS + 3 :]
    start, stop = columns + 2, (rows + 1) * (columns + 2)
    for p in range(first, last):
        old, now, new = scratch[7], scratch[8], scratch[9]
        load_fields(fields, arrays, table, p, extent)
        load_levels(now, old, arrays, table, p, rows, columns)
        following = min(p + 1, last - 1)
        for which in range(extent.steps, 7):
            prefetch_input(arrays, table, which, following)
        assemble_plane(c, fields, start, stop, extent, ratios)
        for k in range(extent.steps):
            if k < 7:
                prefetch_input(arrays, table, k, following)
            plane.wrap(now, rows, columns, sides)
            plane.sweep(new, c, now, old, start, stop, columns)
            if k >= extent.unfiltered:
                plane.move(new, now, old, start, stop, ratios)
            old, now, new = now, new, old
        plane.store_rows(now_out[p * cells : (p + 1) * cells], now, 0, rows, columns)
        if old_out.size:
            plane.store_rows(old_out[p * cells : (p + 1) * cells], old, 0, rows, columns)
