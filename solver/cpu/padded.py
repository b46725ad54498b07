"""The first step of a plane, kept in padded planes: what the adjoint of several steps begins with."""

from __future__ import annotations

from typing import Any, NamedTuple

from solver import stencil
from solver.compiling import kernel, point_function
from solver.cpu.columns import end_of_rows, fields_of_row, gather_inputs, levels_of_row
from solver.cpu.copying import LINE
from solver.cpu.layout import SOURCE
from solver.cpu.march import hold_coefficients, hold_values, walled
from solver.cpu.pointers import pointer, seven, size_of
from solver.cpu.tiles import Tile
from solver.cpu.uniform import beside_row
from solver.cpu.vectors import take_widest
from solver.cpu.whole import assembled, stepped


class Padded(NamedTuple):
    """Padded planes: rows of columns + 2 cells, with a row before the first and one after the last."""

    c: tuple[Any, ...]
    "pointers to the first inner cells of seven planes of coefficients"
    now: Any
    "pointer to that of H[0]"
    new: Any
    "and of H[1]"
    stride: int


@kernel(inline=True)
def open_padded(c, levels, columns):
    """Describe seven padded planes of coefficients, and those of H[0] and H[1], which follow the first of `levels`."""
    size, stride = levels.shape[1], columns + 2
    flat, first = c.reshape(-1), stride + 1
    planes = seven(flat, first, size)
    run = levels.reshape(-1)
    return Padded(planes, pointer(run, size + first), pointer(run, 2 * size + first), stride)


@point_function
def keep(c, now, new, q, made, H):
    """Write the coefficients of a cell, its H[0] and H[1]."""
    c[0][q], c[1][q], c[2][q], c[3][q], c[4][q], c[5][q], c[6][q] = made
    now[q], new[q] = H[1], stepped(made, H)


@kernel(apart=True, part=True)
def begin_rows(c, now, new, stride, memory, extent, r):
    """Do so for all cells but the ends of rows, where what is made is of no meaning.

    A loop over a row goes on to whole cache lines where that stays inside the plane, in cells that are made again with
    their own row.
    """
    take_widest()
    rows, n, line = extent.rows, extent.columns, LINE // size_of(new)
    whole = (n + line - 1) // line * line
    inner = rows - (whole + n - 1) // n
    for i in range(rows):
        q, to = i * n, i * stride
        if 0 < i < inner:
            for j in range(whole):
                made, H = assembled(q + j, q - n + j, q + n + j, None, None, memory, r)
                keep(c, now, new, to + j, made, H)
        else:
            north, south, before, after = beside_row(i, rows, extent.sides, r)
            up, down = north * n, south * n
            for j in range(1, n - 1):
                made, H = assembled(q + j, up + j, down + j, before, after, memory, r)
                keep(c, now, new, to + j, made, H)


@kernel(apart=True, part=True)
def begin_ends(c, now, new, at, stride, columns, rows, r):
    """Do so for a gathered column, the first of whose cells is `at`."""
    for i in range(rows):
        u, v, Dx, Dy, f = fields_of_row(i, columns, r)
        keep(c, now, new, at + i * stride, stencil.assemble(u, v, Dx, Dy, f, r), levels_of_row(i, columns))


@kernel(part=True)
def begin_padded(padded, memory, columns, extent, r):
    """Copy H[0] to its padded plane, make H[1] and keep the coefficients; borders are not filled."""
    c, now, new, stride = padded
    begin_rows(c, now, new, stride, memory, extent, r)
    for last in range(2):
        end = end_of_rows(last, extent.columns, extent.sides, r)
        gather_inputs(columns, memory, end, extent, r)
        begin_ends(c, now, new, end.cell, stride, columns, extent.rows, r)
    rows, n, (north, south, west, east) = extent.rows, extent.columns, extent.sides
    tile = Tile(0, 0, rows, n, north, south, west, east)
    if walled(tile):
        for i in range(rows):
            hold_values(new, i * stride, memory[SOURCE], i * n, i, tile)
            hold_coefficients(c, i * stride, memory[SOURCE], i * n, i, tile)
