"""K time steps of a small plane in scratch that a first- or second-level cache holds: coefficients and levels.

A level is kept apart from that before the last: a loop's last run makes cells twice, and must not have overwritten
H[k-1].
"""

from __future__ import annotations

from typing import Any, NamedTuple

from solver import stencil
from solver.compiling import kernel, point_function
from solver.cpu.asking import ask
from solver.cpu.layout import NOW, OLD, SOURCE
from solver.cpu.pointers import seven
from solver.cpu.seam import close_rows, fields_around, level_around, over_closed, over_plane
from solver.cpu.stack import Stack, behind
from solver.cpu.vectors import take_widest
from solver.cpu.walls import over_walls
from solver.cpu.whole import stepped

COEFFICIENTS = 7


class Flat(NamedTuple):
    """Scratch for one plane."""

    c: tuple[Any, ...]
    "pointers to the planes of coefficients; as one they would be tested for overlap"
    levels: Stack


@kernel(inline=True)
def open_flat(stack):
    """Let a stack begin with the coefficients; the levels are behind them."""
    return Flat(seven(stack.planes, 0, stack.pitch), behind(stack, COEFFICIENTS))


@point_function
def kept(c, q):
    """Return the seven coefficients of a cell."""
    return c[0][q], c[1][q], c[2][q], c[3][q], c[4][q], c[5][q], c[6][q]


@point_function
def begin_cell(q, north, south, before, after, arguments, seam, r):
    """Make H[1] of a cell and keep its coefficients."""
    c, new, memory = arguments
    u, v, Dx, Dy, f = fields_around(q, north, south, before, after, memory, seam, r)
    made = stencil.assemble(u, v, Dx, Dy, f, r)
    c[0][q], c[1][q], c[2][q], c[3][q], c[4][q], c[5][q], c[6][q] = made
    new[q] = stepped(made, (memory[OLD][q], *level_around(memory[NOW], q, north, south, seam)))


@kernel(apart=True, part=True)
def begin_plane(c, new, memory, asked, seam, extent, r):
    """Make the first step of a plane from its inputs, and keep the coefficients; let Dirichlet walls be."""
    take_widest()
    over_plane(begin_cell, (c, new, memory), ask, asked, seam, extent, r)
    over_walls(hold_wall, (c, new, memory[SOURCE]), 1, extent)


@point_function
def hold_wall(q, arguments):
    """Let a cell's new level, and so every level to come, be the value that the source holds there."""
    c, new, f = arguments
    for m in range(COEFFICIENTS - 1):
        c[m][q] = 0
    c[COEFFICIENTS - 1][q] = f[q]
    new[q] = f[q]


@point_function
def sweep_cell(q, north, south, before, after, arguments, seam, r):
    """Make H[k+1] of a cell from kept coefficients."""
    new, c, now, old = arguments
    new[q] = stepped(kept(c, q), (old[q], *level_around(now, q, north, south, seam)))


@kernel(apart=True, part=True)
def sweep_closed(new, c, now, old, asked, seam, extent, r):
    """Make a level of a plane from the two before it."""
    take_widest()
    over_closed(sweep_cell, (new, c, now, old), ask, asked, seam, extent, r)


@kernel(inline=True)
def sweep_plane(new, c, now, old, asked, seam, extent, r):
    """Do so, and close the one before first, which lies in a stack with a border."""
    close_rows(now, now, extent)
    sweep_closed(new, c, now, old, asked, seam, extent, r)
