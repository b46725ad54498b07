"""One step of the adjoint of a flat plane: dL/dH[k] from the two after it.

The transpose of a gather is a gather: cell i receives south[i-1] lam[i-1] + north[i+1] lam[i+1] + ..., which is the
forward step with shifted coefficients. Nothing is scattered, so the result does not depend on the threads. Beyond a
wall a cell reads itself, so what it receives from there is its own coefficient towards the wall.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from solver import stencil
from solver.compiling import kernel, point_function
from solver.cpu.columns import gather, scatter
from solver.cpu.inside import ask, over_inside
from solver.cpu.layout import PERIODIC
from solver.cpu.stack import BESIDE, column_beside, column_in, columns_around, gather_beside, plane_in, put_ends
from solver.cpu.vectors import take_widest

OLD, CENTRE, NORTH, SOUTH, WEST, EAST = range(6)  # the coefficients in the order of `stencil.assemble`


class Shifted(NamedTuple):
    """Columns of what a column of ends receives by, a number a row: from itself and its neighbours."""

    old: Any
    centre: Any
    north: Any
    "at i - 1"
    south: Any
    "at i + 1"
    west: Any
    east: Any


@point_function
def pull_cell(q, north, south, before, after, arguments, r):
    """Make dL/dH[k] of a cell inside its row; `lam` and `later` are dL/dH[k+1] and dL/dH[k+2]."""
    made, c, lam, later = arguments
    from_north, from_south = c[SOUTH][north], c[NORTH][south]
    if before is not None:
        from_north = from_north if before > 0 else c[NORTH][q]
        from_south = from_south if after > 0 else c[SOUTH][q]
    point = c[OLD][q], c[CENTRE][q], from_north, from_south, c[EAST][q - 1], c[WEST][q + 1], r.one - r.one
    made[q] = stencil.step(point, later[q], lam[q], lam[north], lam[south], lam[q - 1], lam[q + 1])


@kernel(apart=True, part=True)
def pull_inside(made, c, lam, later, asked, extent, r):
    """Do so for all cells but the ends of rows."""
    take_widest()
    over_inside(pull_cell, (made, c, lam, later), ask, asked, extent, r)


@kernel(apart=True, part=True)
def pull_column(made, c, lam, later, west, east, rows, r):
    """Do so for a column of ends; `c` is a Shifted."""
    take_widest()
    for i in range(rows):
        point = c.old[i], c.centre[i], c.north[i - 1], c.south[i + 1], c.west[i], c.east[i], r.one - r.one
        made[i] = stencil.step(point, later[i], lam[i], lam[i - 1], lam[i + 1], west[i], east[i])


@kernel(part=True)
def shift_columns(coefficients, extent, one):
    """Close the columns of coefficients as the transpose reads them, and gather those beside the ends.

    Put into the planes is what cells inside their rows receive by from the ends, and what the gradient of H[-1] needs.
    """
    rows, n, (north, south, _, _) = extent.rows, extent.columns, extent.sides
    for last in range(2):
        to_north, to_south = column_in(coefficients, NORTH, last), column_in(coefficients, SOUTH, last)
        to_south[-1] = to_south[rows - 1] if north == PERIODIC else to_north[0]
        to_north[rows] = to_north[0] if south == PERIODIC else to_south[rows - 1]
    for last in range(2):
        scatter(plane_in(coefficients, OLD), last * (n - 1), column_in(coefficients, OLD, last), rows, n)
        outward = WEST if last else EAST
        scatter(plane_in(coefficients, outward), last * (n - 1), column_in(coefficients, outward, last), rows, n)
    for last in range(2):
        inward = EAST if last else WEST
        beside = column_in(coefficients, inward, BESIDE + last)
        gather(beside, plane_in(coefficients, inward), column_beside(last, n), rows, n, one)


@kernel(inline=True)
def shifted_columns(coefficients, last, extent):
    """Return what the first or last cells of rows receive by."""
    n, (_, _, west, east) = extent.columns, extent.sides
    old, centre = column_in(coefficients, OLD, last), column_in(coefficients, CENTRE, last)
    north, south = column_in(coefficients, SOUTH, last), column_in(coefficients, NORTH, last)
    from_west = column_in(coefficients, EAST if west == PERIODIC else WEST, 1 if west == PERIODIC else last)
    from_east = column_in(coefficients, WEST if east == PERIODIC else EAST, 0 if east == PERIODIC else last)
    if n > 1 and last:
        from_west = column_in(coefficients, EAST, BESIDE + 1)
    if n > 1 and not last:
        from_east = column_in(coefficients, WEST, BESIDE)
    return Shifted(old, centre, north, south, from_west, from_east)


@kernel(part=True)
def pull_flat(flat, lams, k, made, lam, later, asked, extent, r):
    """Make dL/dH[k] of a plane in `made`, its columns in slot k of `lams`, where those of the two after it are."""
    c = flat.coefficients
    pull_inside(made, flat.c, lam, later, asked, extent, r)
    gather_beside(lams, k + 1, lam, extent, r.one)
    for last in range(2):
        west, east = columns_around(lams, k + 1, last, extent)
        here, after = column_in(lams, k + 1, last), column_in(lams, k + 2, last)
        by = shifted_columns(c, last, extent)
        pull_column(column_in(lams, k, last), by, here, after, west, east, extent.rows, r)
    put_ends(lams, k, made, extent)
