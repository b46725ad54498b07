"""K time steps of a small plane in scratch that a first- or second-level cache holds: coefficients and levels.

A level is kept apart from that before the last: a loop's last run makes cells twice, and must not have overwritten
H[k-1].
"""

from __future__ import annotations

from typing import Any, NamedTuple

from solver import stencil
from solver.compiling import kernel, point_function
from solver.cpu.columns import end_of_rows, fields_of_row, gather_inputs, levels_of_row
from solver.cpu.copying import copy_run
from solver.cpu.inside import ask, over_inside
from solver.cpu.layout import DIRICHLET, NOW, OLD, SOURCE
from solver.cpu.plane import has_walls
from solver.cpu.pointers import seven
from solver.cpu.seam import fields_around, level_around
from solver.cpu.stack import (
    BESIDE,
    Stack,
    cells_of_stack,
    column_in,
    columns_around,
    gather_beside,
    open_stack,
    plane_in,
    put_ends,
)
from solver.cpu.vectors import take_widest
from solver.cpu.whole import stepped

COEFFICIENTS = 7


class Flat(NamedTuple):
    """Scratch for one plane."""

    c: tuple[Any, ...]
    "pointers to the planes of `coefficients`; as one they would be tested for overlap"
    coefficients: Stack
    levels: Stack


@kernel(inline=True)
def open_flat(store, levels, rows, cells):
    """Lay out coefficients and so many levels at the beginning of a store."""
    coefficients = open_stack(store, 0, COEFFICIENTS, rows, cells)
    after = cells_of_stack(COEFFICIENTS, rows, cells, store.itemsize)
    c = seven(coefficients.planes, 0, coefficients.pitch)
    return Flat(c, coefficients, open_stack(store, after, levels, rows, cells))


@kernel(inline=True)
def coefficient_columns(flat, last):
    """Return pointers to the seven columns of coefficients of the first or last cells of rows."""
    return seven(flat.coefficients.columns, last * flat.coefficients.column, 4 * flat.coefficients.column)


@point_function
def kept(c, q):
    """Return the seven coefficients of a cell."""
    return c[0][q], c[1][q], c[2][q], c[3][q], c[4][q], c[5][q], c[6][q]


@point_function
def begin_cell(q, north, south, before, after, arguments, r):
    """Make H[1] of a cell inside its row and keep its coefficients."""
    c, new, memory = arguments
    u, v, Dx, Dy, f = fields_around(q, north, south, before, after, memory, None, r)
    made = stencil.assemble(u, v, Dx, Dy, f, r)
    c[0][q], c[1][q], c[2][q], c[3][q], c[4][q], c[5][q], c[6][q] = made
    new[q] = stepped(made, (memory[OLD][q], *level_around(memory[NOW], q, north, south, None)))


@kernel(apart=True, part=True)
def begin_inside(c, new, memory, asked, extent, r):
    """Do so for all cells but the ends of rows."""
    take_widest()
    over_inside(begin_cell, (c, new, memory), ask, asked, extent, r)


@kernel(apart=True, part=True)
def begin_column(c, new, columns, rows, r):
    """Make H[1] of a gathered column and keep its coefficients."""
    take_widest()
    for i in range(rows):
        u, v, Dx, Dy, f = fields_of_row(i, columns, r)
        made = stencil.assemble(u, v, Dx, Dy, f, r)
        c[0][i], c[1][i], c[2][i], c[3][i], c[4][i], c[5][i], c[6][i] = made
        new[i] = stepped(made, levels_of_row(i, columns))


@kernel(part=True)
def begin_flat(flat, to, memory, asked, columns, extent, r):
    """Make the first step of a plane from its inputs, in level `to`, and keep the coefficients.

    Of H[0], level to - 1, the columns alone are kept.
    """
    rows, n, sides = extent.rows, extent.columns, extent.sides
    new, levels = plane_in(flat.levels, to), flat.levels
    begin_inside(flat.c, new, memory, asked, extent, r)
    for last in range(2):
        end, c = end_of_rows(last, n, sides, r), coefficient_columns(flat, last)
        gather_inputs(columns, memory, end, extent, r)
        begin_column(c, column_in(levels, to, last), columns, rows, r)
        copy_run(column_in(levels, to - 1, last), -1, columns.now, -1, rows + 2)
        copy_run(column_in(levels, to - 1, BESIDE + last), 0, columns.now_west if last else columns.now_east, 0, rows)
    if has_walls(sides):
        hold_rows(flat.c, new, memory[SOURCE], extent)
        hold_columns(flat, to, memory[SOURCE], extent)
    put_ends(levels, to, new, extent)


@kernel(inline=True)
def hold_cell(c, new, q, value):
    """Let the update of a cell be a value."""
    for m in range(COEFFICIENTS - 1):
        c[m][q] = 0
    c[COEFFICIENTS - 1][q] = value
    new[q] = value


@kernel(part=True)
def hold_rows(c, new, f, extent):
    """On Dirichlet walls north and south let the update be the value that the source holds there."""
    for edge in range(2):
        if extent.sides[edge] == DIRICHLET:
            start = edge * (extent.rows - 1) * extent.columns
            for q in range(start, start + extent.columns):
                hold_cell(c, new, q, f[q])


@kernel(part=True)
def hold_columns(flat, to, f, extent):
    """Do so in the columns of ends, on all four walls."""
    rows, (north, south, west, east) = extent.rows, extent.sides
    for last in range(2):
        one = extent.columns == 1 and (west == DIRICHLET or east == DIRICHLET)
        wall = one or (east if last else west) == DIRICHLET
        c, new = coefficient_columns(flat, last), column_in(flat.levels, to, last)
        for i in range(rows):
            if wall or (i == 0 and north == DIRICHLET) or (i == rows - 1 and south == DIRICHLET):
                hold_cell(c, new, i, f[i * extent.columns + last * (extent.columns - 1)])


@point_function
def sweep_cell(q, north, south, before, after, arguments, r):
    """Make H[k+1] of a cell inside its row from kept coefficients."""
    new, c, now, old = arguments
    new[q] = stencil.step(kept(c, q), old[q], now[q], now[north], now[south], now[q - 1], now[q + 1])


@kernel(apart=True, part=True)
def sweep_inside(new, c, now, old, asked, extent, r):
    """Do so for all cells but the ends of rows."""
    take_widest()
    over_inside(sweep_cell, (new, c, now, old), ask, asked, extent, r)


@kernel(apart=True, part=True)
def sweep_column(new, c, now, old, west, east, rows):
    """Make one step of a column of ends."""
    take_widest()
    for i in range(rows):
        new[i] = stencil.step(kept(c, i), old[i], now[i], now[i - 1], now[i + 1], west[i], east[i])


@kernel(part=True)
def sweep_flat(flat, slots, new, now, old, asked, extent, r):
    """Make a level of a plane in `new`, from the planes of the two before it.

    `slots` are the numbers of the three in the stack, where their columns are.
    """
    (to, at, before), levels = slots, flat.levels
    sweep_inside(new, flat.c, now, old, asked, extent, r)
    gather_beside(levels, at, now, extent, r.one)
    for last in range(2):
        west, east = columns_around(levels, at, last, extent)
        c, here, made = coefficient_columns(flat, last), column_in(levels, at, last), column_in(levels, to, last)
        sweep_column(made, c, here, column_in(levels, before, last), west, east, extent.rows)
    put_ends(levels, to, new, extent)
