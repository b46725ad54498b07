"""The inputs of one plane, copied into padded planes, and the next plane's asked for meanwhile.

The seven padded planes lie in the order of `Inputs`. A kernel's loop takes them as one two-dimensional array and
indexes it with a constant row and an unsigned column: a tuple of views counts references, 5 ns a view and call, and a
signed index is tested for being negative.
"""

from __future__ import annotations

from solver.compiling import kernel
from solver.cpu import plane
from solver.cpu.layout import DX, DY, NOW, U, V, plane_base
from solver.cpu.pointers import pointer

CHUNK = 64  # cells between two requests to memory; a constant, so that no test is made for what is left over


@kernel(part=True)
def is_new(table, which, p, first):
    """Whether input `which` of plane p is another plane than that of the plane before."""
    return p == first or (table[which, 3] > 1 and p % table[which, 2] == 0)


@kernel(part=True)
def load_inputs(a, arrays, table, joined, p, first, extent):
    """Fill the padded planes with the inputs of plane p: H[0] with its border, u, v, Dx, Dy along their axes.

    What plane p shares with the one before is there already. An input that is H[0] itself is not loaded again.
    """
    rows, columns, sides = extent.rows, extent.columns, extent.sides
    for which in range(7):
        if not joined[which] and is_new(table, which, p, first):
            start = plane_base(table, which, p)
            plane.load_rows(a[which], arrays[which][start : start + table[which, 0]], 0, rows, columns)
            if which in (NOW, V, DY):
                plane.wrap_columns(a[which], 1, rows + 1, columns, sides)
            if which in (NOW, U, DX):
                plane.wrap_rows(a[which], rows, columns, sides)
            if which == U:
                plane.turn_rows(a[which], rows, columns, sides)
            if which == V:
                plane.turn_columns(a[which], 1, rows + 1, columns, sides)


@kernel(part=True)
def row_of(which, joined):
    """Return the padded plane that holds input `which`: that of H[0], if it is the same."""
    return NOW if joined[which] else which


@kernel(part=True)
def scratch(count, rows, columns, like):
    """Return `count` zeroed padded planes with room behind for the last chunk and its southern neighbours."""
    return plane.padded_planes(count, rows + (CHUNK + columns + 1) // (columns + 2), columns, like)


@kernel(inline=True)
def row(planes, k):
    """Return a pointer to padded plane k: an array would be counted, two atomic operations each time."""
    return pointer(planes, k * planes.shape[1])


@kernel(part=True)
def inner(rows, columns):
    """Return the first inner cell of a padded plane and the end of its inner rows, in whole chunks from the first."""
    start, cells = columns + 2, rows * (columns + 2)
    return start, start + (cells + CHUNK - 1) // CHUNK * CHUNK
