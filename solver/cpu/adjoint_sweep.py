"""One step of the adjoint of a flat plane: dL/dH[k] from the two after it.

The transpose of a gather is a gather: cell i receives south[i-1] lam[i-1] + north[i+1] lam[i+1] + ..., which is the
forward step with shifted coefficients. Nothing is scattered, so the result does not depend on the threads. Beyond a
wall a cell reads itself, so what it receives from there is its own coefficient towards the wall.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from solver import stencil
from solver.compiling import kernel, point_function
from solver.cpu.asking import ask
from solver.cpu.layout import PERIODIC
from solver.cpu.seam import across, close_rows, level_around, over_closed
from solver.cpu.vectors import take_widest

OLD, CENTRE, NORTH, SOUTH, WEST, EAST = range(6)  # the coefficients in the order of `stencil.assemble`


class Received(NamedTuple):
    """What cells receive by: pointers to planes."""

    c: tuple[Any, ...]
    "the seven coefficients"
    from_west: Any
    "of them that by which the first cell of a row receives across the seam"
    from_east: Any
    "and the last one"


@kernel(inline=True)
def close_coefficients(c, extent):
    """Close the coefficients as the transpose reads them, and return what cells receive by."""
    _, _, west, east = extent.sides
    close_rows(c[SOUTH], c[NORTH], extent)
    close_rows(c[NORTH], c[SOUTH], extent)
    return Received(c, c[EAST] if west == PERIODIC else c[WEST], c[WEST] if east == PERIODIC else c[EAST])


@point_function
def pull_cell(q, north, south, before, after, arguments, seam, r):
    """Make dL/dH[k] of a cell; `lam` and `later` are dL/dH[k+1] and dL/dH[k+2]."""
    made, by, lam, later = arguments
    c = by.c
    from_west, from_east = across(c[EAST][q - 1], c[WEST][q + 1], by.from_west, by.from_east, q, seam)
    H, H_north, H_south, H_west, H_east = level_around(lam, q, north, south, seam)
    point = c[OLD][q], c[CENTRE][q], c[SOUTH][north], c[NORTH][south], from_west, from_east, r.one - r.one
    made[q] = stencil.step(point, later[q], H, H_north, H_south, H_west, H_east)


@kernel(apart=True, part=True)
def pull_closed(made, by, lam, later, asked, seam, extent, r):
    """Do so for a plane."""
    take_widest()
    over_closed(pull_cell, (made, by, lam, later), ask, asked, seam, extent, r)


@kernel(inline=True)
def pull_plane(made, by, lam, later, asked, seam, extent, r):
    """Do so, and close the one after first."""
    close_rows(lam, lam, extent)
    pull_closed(made, by, lam, later, asked, seam, extent, r)
