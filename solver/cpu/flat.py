"""K time steps of a small plane in scratch that the first-level cache holds: the coefficients and three levels.

Planes of scratch are as flat as the inputs, so that a sweep is one loop over the inner rows, with aligned loads where
the columns are a multiple of a vector. The ends of rows live in columns of their own: they are made there, and put back
into the plane for the cells next to them. Three levels: a loop's last run makes cells twice, and must not have
overwritten H[k-1].
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from solver import stencil
from solver.compiling import kernel, point_function
from solver.cpu.columns import end_of_rows, fields_of_row, gather, gather_inputs, levels_of_row, scatter
from solver.cpu.copying import LINE, copy_run
from solver.cpu.inside import ask, over_inside
from solver.cpu.layout import DIRICHLET, PERIODIC, SOURCE
from solver.cpu.plane import has_walls
from solver.cpu.pointers import pointer, seven
from solver.cpu.storing import pitch_of
from solver.cpu.vectors import take_widest
from solver.cpu.whole import assembled, stepped

COEFFICIENTS, LEVELS = 7, 3
SIDE = COEFFICIENTS + LEVELS  # columns of one end: its coefficients and its levels


class Flat(NamedTuple):
    """Scratch for one plane."""

    c: tuple[Any, ...]
    "pointers to seven planes of coefficients"
    levels: Any
    "pointer to the planes of H[k], at k % 3"
    pitch: int
    "cells from one plane to the next"
    ends: Any
    "pointer to the columns of the first and of the last cells: coefficients, then H[k] at k % 3"
    column: int
    "cells from one column to the next"
    inner: Any
    "pointer to a column next to an end"


@kernel(part=True)
def make_flat(rows, columns, like):
    """Allocate for one plane."""
    line = LINE // like.itemsize
    planes = (COEFFICIENTS + LEVELS) * pitch_of(rows * columns, like.itemsize)
    return np.zeros(planes + (2 * SIDE + 1) * pitch_of(rows, like.itemsize) + 2 * line, like.dtype)


@kernel(inline=True)
def open_flat(store, rows, columns):
    """Lay the scratch out."""
    line, pitch = LINE // store.itemsize, pitch_of(rows * columns, store.itemsize)
    start = (-(store.ctypes.data // store.itemsize)) % line
    c = seven(store, start, pitch)
    column = pitch_of(rows, store.itemsize)
    edge = start + (COEFFICIENTS + LEVELS) * pitch + line
    levels = pointer(store, start + COEFFICIENTS * pitch)
    return Flat(c, levels, pitch, pointer(store, edge), column, pointer(store, edge + 2 * SIDE * column))


@kernel(inline=True)
def level_of(flat, k):
    """Return a pointer to the plane of H[k]."""
    return pointer(flat.levels, k % LEVELS * flat.pitch)


@kernel(inline=True)
def column_of(flat, end, which):
    """Return a pointer to a column of the first (0) or last (1) cells of rows."""
    return pointer(flat.ends, (end * SIDE + which) * flat.column)


@kernel(inline=True)
def level_column(flat, end, k):
    """Return a pointer to the column of H[k]."""
    return column_of(flat, end, COEFFICIENTS + k % LEVELS)


@kernel(inline=True)
def coefficient_columns(flat, end):
    """Return pointers to the seven columns of coefficients."""
    return seven(flat.ends, end * SIDE * flat.column, flat.column)


@point_function
def kept(c, q):
    """Return the seven coefficients of a cell."""
    return c[0][q], c[1][q], c[2][q], c[3][q], c[4][q], c[5][q], c[6][q]


@point_function
def begin_cell(q, north, south, before, after, arguments, r):
    """Make H[1] of a cell inside its row and keep its coefficients."""
    c, new, memory = arguments
    made, H = assembled(q, north, south, before, after, memory, r)
    c[0][q], c[1][q], c[2][q], c[3][q], c[4][q], c[5][q], c[6][q] = made
    new[q] = stepped(made, H)


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
def begin_flat(flat, memory, asked, columns, extent, r):
    """Make the first step of a plane from its inputs and keep the coefficients."""
    rows, n, sides = extent.rows, extent.columns, extent.sides
    new = level_of(flat, 1)
    begin_inside(flat.c, new, memory, asked, extent, r)
    for last in range(2):
        end, c = end_of_rows(last, n, sides, r), coefficient_columns(flat, last)
        gather_inputs(columns, memory, end, extent, r)
        begin_column(c, level_column(flat, last, 1), columns, rows, r)
        copy_run(level_column(flat, last, 0), 0, columns.now, 0, rows)
    if has_walls(sides):
        hold_rows(flat, new, memory[SOURCE], extent)
        hold_columns(flat, memory[SOURCE], extent)
    finish_columns(flat, new, 1, extent, r)


@kernel(inline=True)
def hold_cell(c, new, q, value):
    """Let the update of a cell be a value."""
    for m in range(COEFFICIENTS - 1):
        c[m][q] = 0
    c[COEFFICIENTS - 1][q] = value
    new[q] = value


@kernel(part=True)
def hold_rows(flat, new, f, extent):
    """On Dirichlet walls north and south let the update be the value that the source holds there."""
    for edge in range(2):
        if extent.sides[edge] == DIRICHLET:
            start = edge * (extent.rows - 1) * extent.columns
            for q in range(start, start + extent.columns):
                hold_cell(flat.c, new, q, f[q])


@kernel(part=True)
def hold_columns(flat, f, extent):
    """Do so in the columns of ends, on all four walls."""
    rows, (north, south, west, east) = extent.rows, extent.sides
    for last in range(2):
        wall = (east if last else west) == DIRICHLET or (extent.columns == 1 and west == DIRICHLET)
        c, new = coefficient_columns(flat, last), level_column(flat, last, 1)
        for i in range(rows):
            if wall or (i == 0 and north == DIRICHLET) or (i == rows - 1 and south == DIRICHLET):
                hold_cell(c, new, i, f[i * extent.columns + last * (extent.columns - 1)])


@kernel(inline=True)
def finish_columns(flat, plane, k, extent, r):
    """Close the columns of H[k] north and south, and put them into the plane."""
    rows, n, (north, south, _, _) = extent.rows, extent.columns, extent.sides
    for last in range(2):
        a = level_column(flat, last, k)
        a[-1] = a[rows - 1] if north == PERIODIC else a[0]
        a[rows] = a[0] if south == PERIODIC else a[rows - 1]
        scatter(plane, last * (n - 1), a, rows, n)


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
def sweep_flat(flat, new, k, old, asked, extent, r):
    """Make H[k] of a plane in `new`, from H[k-1] and `old`, the plane of H[k-2]; k >= 2."""
    rows, n, (_, _, west, east) = extent.rows, extent.columns, extent.sides
    now = level_of(flat, k - 1)
    sweep_inside(new, flat.c, now, old, asked, extent, r)
    for last in range(2):
        here, other = level_column(flat, last, k - 1), level_column(flat, 1 - last, k - 1)
        beyond = other if (east if last else west) == PERIODIC else here
        inner = flat.inner
        if n > 1:
            gather(inner, now, n - 2 if last else 1, rows, n, r.one)
        else:
            copy_run(inner, 0, other if (west if last else east) == PERIODIC else here, 0, rows)
        before, after = (inner, beyond) if last else (beyond, inner)
        c, before_last = coefficient_columns(flat, last), level_column(flat, last, k - 2)
        sweep_column(level_column(flat, last, k), c, here, before_last, before, after, rows)
    finish_columns(flat, new, k, extent, r)
