"""Cells on Dirichlet walls."""

from __future__ import annotations

from solver.compiling import kernel, point_function
from solver.cpu import plane


@kernel(inline=True)
def over_walls(make, arguments, lanes, extent):
    """Call make(q, arguments) for all numbers q of cells on Dirichlet walls; so many lie side by side for a cell."""
    rows, n, sides = extent.rows, extent.columns, extent.sides
    if plane.has_walls(sides):
        for i in range(rows):
            for j in range(0, n, plane.wall_stride(i + 1, rows, n, sides)):
                if plane.on_wall(i + 1, j + 1, rows, n, sides):
                    for q in range((i * n + j) * lanes, (i * n + j + 1) * lanes):
                        make(q, arguments)


@point_function
def let_be(q, arguments):
    """Let a cell's new level be the value that the source holds there."""
    new, f = arguments
    new[q] = f[q]


@point_function
def clear(q, arguments):
    """Set a number to zero."""
    to, zero = arguments
    to[q] = zero


@point_function
def release(q, arguments):
    """Let the gradient of the source be lam, or add that to the one of three inputs."""
    to, lam, joined = arguments
    if joined is None:
        to[q] = lam[q]
    else:
        to[q] = to[q] + lam[q]
