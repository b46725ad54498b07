"""Loops over one row of cells: what every traversal of planes and tiles is made of.

A row is named by the offset of its first cell from a pointer, so a neighbouring row may lie anywhere: wrapped around,
mirrored, in a ring of rows that are used again. A pointer's index is not tested for being negative, and pointers are
promised apart, where LLVM would otherwise compare all of them before every row: together they took a sweep of rows of
32 cells from 1200 to 520 ns a plane, the time of one flat loop.

Two arguments may be the same pointer as long as no cell that is written by way of one is read by way of the other.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from solver import stencil
from solver.compiling import kernel, point_function


class Place(NamedTuple):
    """Where the fields and H[k-1] of a row lie: offsets of its first cell, and of the rows before and after it."""

    u: int
    u_north: int
    u_south: int
    v: int
    Dx: int
    Dx_north: int
    Dx_south: int
    Dy: int
    source: int
    old: int
    before: Any
    "sign of the velocity across the north side: -1 beyond a wall"
    after: Any
    "and across the south side"


class Around(NamedTuple):
    """Where H[k] of a row lies: offsets of its first cell, and of the rows before and after it."""

    row: int
    north: int
    south: int


@point_function
def beside(D, own, before, after, share):
    """Return the diffusivity of a cell and of the cells before and after it, which a share of None does not read."""
    if share is None:
        return D[own], D[own], D[own]
    return D[own], D[before], D[after]


@point_function
def coefficients(j, fields, place, r):
    """Return the seven coefficients of cell j of a row."""
    u, v, Dx, Dy, f = fields
    north, south = place.before * u[place.u_north + j], place.after * u[place.u_south + j]
    return stencil.assemble(
        (u[place.u + j], north, south),
        (v[place.v + j], v[place.v + j - 1], v[place.v + j + 1]),
        beside(Dx, place.Dx + j, place.Dx_north + j, place.Dx_south + j, r.diffusivity_share),
        beside(Dy, place.Dy + j, place.Dy + j - 1, place.Dy + j + 1, r.diffusivity_share),
        f[place.source + j],
        r,
    )


@point_function
def stepped(c, j, old, now, around):
    """Return H[k+1] of cell j of a row, from its coefficients and H[k-1]."""
    north, south = now[around.north + j], now[around.south + j]
    west, east = now[around.row + j - 1], now[around.row + j + 1]
    return stencil.step(c, old, now[around.row + j], north, south, west, east)


@kernel(apart=True, part=True)
def update_row(new, new_at, now, around, old, fields, place, n, r):
    """One step of a row straight from the fields."""
    for j in range(n):
        made = coefficients(j, fields, place, r)
        new[new_at + j] = stepped(made, j, old[place.old + j], now, around)


@kernel(apart=True, part=True)
def begin_row(c, c_at, new, new_at, now, around, old, fields, place, n, r):
    """One step of a row straight from the fields, whose coefficients are kept in `c`."""
    for j in range(n):
        q = c_at + j
        made = coefficients(j, fields, place, r)
        c[0][q], c[1][q], c[2][q], c[3][q], c[4][q], c[5][q], c[6][q] = made
        new[new_at + j] = stepped(made, j, old[place.old + j], now, around)


@kernel(apart=True, part=True)
def sweep_row(c, c_at, level, level_at, now, around, n):
    """One step of a row from its kept coefficients: `level` holds H[k-1] and receives H[k+1]."""
    for j in range(n):
        q, here = c_at + j, level_at + j
        kept = (c[0][q], c[1][q], c[2][q], c[3][q], c[4][q], c[5][q], c[6][q])
        level[here] = stepped(kept, j, level[here], now, around)
