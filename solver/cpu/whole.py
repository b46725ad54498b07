"""One step of whole planes, straight from the inputs, which are read in place under one index."""

from __future__ import annotations

from solver import stencil
from solver.compiling import kernel, point_function
from solver.cpu.columns import end_of_rows, fields_of_row, gather_inputs, levels_of_row, scatter
from solver.cpu.inside import ask, over_inside
from solver.cpu.layout import NOW, OLD
from solver.cpu.uniform import fields_of_cell
from solver.cpu.vectors import take_widest


@point_function
def assembled(q, north, south, before, after, memory, r):
    """Return the coefficients of cell q, inside its row, and the cells of H that they multiply, H[k-1] first."""
    now = memory[NOW]
    u, v, Dx, Dy, f = fields_of_cell(q, north, south, before, after, memory, r)
    return stencil.assemble(u, v, Dx, Dy, f, r), (
        memory[OLD][q],
        now[q],
        now[north],
        now[south],
        now[q - 1],
        now[q + 1],
    )


@point_function
def stepped(c, H):
    """Return H[k+1] from both."""
    return stencil.step(c, H[0], H[1], H[2], H[3], H[4], H[5])


@point_function
def step_cell(q, north, south, before, after, arguments, r):
    """Make H[k+1] of cell q, inside its row."""
    new, memory = arguments
    c, H = assembled(q, north, south, before, after, memory, r)
    new[q] = stepped(c, H)


@kernel(apart=True, part=True)
def step_inside(new, memory, asked, extent, r):
    """Make one step of all cells but the ends of rows."""
    take_widest()
    over_inside(step_cell, (new, memory), ask, asked, extent, r)


@kernel(inline=True)
def step_plane(new, memory, asked, columns, extent, r):
    """Make one step of a plane in `new`."""
    rows, n, sides = extent.rows, extent.columns, extent.sides
    step_inside(new, memory, asked, extent, r)
    for last in range(2):
        end = end_of_rows(last, n, sides, r)
        gather_inputs(columns, memory, end, extent, r)
        step_column(columns.free, columns, rows, r)
        scatter(new, end.cell, columns.free, rows, n)


@kernel(apart=True, part=True)
def step_column(new, columns, rows, r):
    """Make one step of a gathered column."""
    take_widest()
    for i in range(rows):
        u, v, Dx, Dy, f = fields_of_row(i, columns, r)
        new[i] = stepped(stencil.assemble(u, v, Dx, Dy, f, r), levels_of_row(i, columns))
