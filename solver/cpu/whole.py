"""One step of whole planes, straight from the inputs, which are read in place under one index."""

from __future__ import annotations

from solver import stencil
from solver.compiling import kernel, point_function
from solver.cpu.asking import ask
from solver.cpu.layout import NOW, OLD
from solver.cpu.seam import fields_around, level_around, over_plane
from solver.cpu.vectors import take_widest


@point_function
def stepped(c, H):
    """Return H[k+1] from the coefficients of a cell and the levels that they multiply, H[k-1] first."""
    return stencil.step(c, H[0], H[1], H[2], H[3], H[4], H[5])


@point_function
def step_cell(q, north, south, before, after, arguments, seam, r):
    """Make H[k+1] of cell q."""
    new, memory = arguments
    u, v, Dx, Dy, f = fields_around(q, north, south, before, after, memory, seam, r)
    H = level_around(memory[NOW], q, north, south, seam)
    new[q] = stepped(stencil.assemble(u, v, Dx, Dy, f, r), (memory[OLD][q], *H))


@kernel(apart=True, part=True)
def step_plane(new, memory, asked, seam, extent, r):
    """Make one step of a plane in `new`."""
    take_widest()
    over_plane(step_cell, (new, memory), ask, asked, seam, extent, r)
