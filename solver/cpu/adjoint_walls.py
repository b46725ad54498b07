"""The borders of planes whose transpose is taken, and Dirichlet walls in the adjoint."""

from __future__ import annotations

from solver.compiling import kernel
from solver.cpu import plane
from solver.cpu.copying import copy_run
from solver.cpu.layout import PERIODIC


@kernel(part=True)
def wrap_rows_transposed(before, after, rows, columns, sides):
    """Fill the border rows that the transpose of a gather reads, of coefficients towards i-1 and towards i+1.

    Beyond a wall a cell reads itself, so what it receives from there is its own coefficient towards the wall.
    """
    S = columns + 2
    if sides[0] == PERIODIC:
        copy_run(after, 0, after, rows * S, S)
    else:
        copy_run(after, 0, before, S, S)
    if sides[1] == PERIODIC:
        copy_run(before, (rows + 1) * S, before, S, S)
    else:
        copy_run(before, (rows + 1) * S, after, rows * S, S)


@kernel(part=True)
def wrap_columns_transposed(before, after, rows, columns, sides):
    """Fill the border columns likewise, of coefficients towards j-1 and towards j+1."""
    S = columns + 2
    for i in range(1, rows + 1):
        first, last = i * S + 1, i * S + columns
        after[first - 1] = after[last] if sides[2] == PERIODIC else before[first]
        before[last + 1] = before[first] if sides[3] == PERIODIC else after[last]


@kernel(part=True)
def release_walls(g, g_value, rows, columns, sides):
    """On Dirichlet walls let the gradient of the source be that of the value, and all others zero."""
    if not plane.has_walls(sides):
        return
    for i in range(1, rows + 1):
        for j in range(1, columns + 1, plane.wall_stride(i, rows, columns, sides)):
            if plane.on_wall(i, j, rows, columns, sides):
                q = i * (columns + 2) + j
                for n in range(6):
                    g[n, q] = 0
                g[6, q] = g_value[q]
