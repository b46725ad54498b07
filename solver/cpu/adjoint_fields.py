"""From the sums over the steps to the gradients of the fields, published forms, in flat planes.

The gradients of u and v take from the neighbours that of the centre's numerator, which the divergence enters: it is
made of all cells first, with all else.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from solver import stencil
from solver.compiling import kernel, point_function
from solver.cpu.adjoint_sums import Group, levels_around, sum_so_far, sums_of
from solver.cpu.asking import rest
from solver.cpu.flat import kept
from solver.cpu.layout import DX, DY, SOURCE, U, V
from solver.cpu.seam import beside, close_rows, over_closed
from solver.cpu.stack import plane_in
from solver.cpu.vectors import take_widest
from solver.cpu.walls import over_walls

# Planes of the stack of sums, behind twice seven of these: what the velocities' gradients are made of.
CENTRE, OF_U, OF_V, PLANES = 14, 15, 16, 17


class Summed(NamedTuple):
    """What the gradients of the fields are made of: pointers to planes."""

    sums: tuple[Any, ...]
    groups: int
    "how many others are in `sums`"
    group: Group
    c: tuple[Any, ...]
    Dx: Any
    Dy: Any


@point_function
def fields_of_sums(summed, q, around, r):
    """Return the gradients of u and v, but for the neighbours' part and the ratio, of Dx, Dy, f and the centre."""
    found = sum_so_far(summed.sums, summed.groups, summed.group, q, around)
    D_x, D_y = summed.Dx[q], summed.Dy[q]
    made = stencil.assemble_adjoint(kept(summed.c, q), found, (D_x, D_x, D_x), (D_y, D_y, D_y), r)
    b, centre, north, south, west, east, source = made
    of_Dx, of_Dy = r.xx * (north + south + b), r.yy * (west + east + b)
    return north - south, west - east, of_Dx, of_Dy, source, centre


@point_function
def fields_cell(q, north, south, before, after, arguments, seam, r):
    """Write what a cell has to give: `to` are pointers for the six gradients."""
    to, summed = arguments
    made = fields_of_sums(summed, q, levels_around(summed.group, q, north, south, seam), r)
    to[0][q], to[1][q], to[2][q], to[3][q], to[4][q], to[5][q] = made


@kernel(apart=True, part=True)
def fields_plane(to, summed, seam, extent, r):
    """Do so for a plane."""
    take_widest()
    over_closed(fields_cell, (to, summed), rest, None, seam, extent, r)


@point_function
def velocities_cell(q, north, south, before, after, arguments, seam, r):
    """Write the gradients of u and v of a cell."""
    to_u, to_v, of_u, of_v, centre = arguments
    west, east = beside(centre, q, seam)
    to_u[q] = r.x * (of_u[q] + (centre[south] - centre[north]))
    to_v[q] = r.y * (of_v[q] + (east - west))


@kernel(apart=True, part=True)
def velocities_plane(to_u, to_v, of_u, of_v, centre, seam, extent, r):
    """Do so for a plane; `centre` is closed."""
    take_widest()
    over_closed(velocities_cell, (to_u, to_v, of_u, of_v, centre), rest, None, seam, extent, r)


@point_function
def release_wall(q, arguments):
    """On a Dirichlet wall let the gradient of the source be that of the value, the sum of lam, and all others zero."""
    to, summed, zero = arguments
    lams = summed.group.lams
    value = lams[0][q] + lams[1][q] + lams[2][q] + lams[3][q] + lams[4][q]
    to[4][q] = value + summed.sums[6][q] if summed.groups > 0 else value
    to[0][q], to[1][q], to[2][q], to[3][q], to[5][q] = zero, zero, zero, zero, zero


@kernel(inline=True)
def parts_of_fields(g, sums):
    """Return pointers for the six gradients of `fields_of_sums`."""
    return plane_in(sums, OF_U), plane_in(sums, OF_V), g[DX], g[DY], g[SOURCE], plane_in(sums, CENTRE)


@kernel(part=True)
def published_fields_adjoint(g, flat, sums, groups, group, memory, seam, extent, r):
    """Add a last group to the sums over `groups` others, and write the gradients of the five fields."""
    summed = Summed(sums_of(sums, groups), groups, group, flat.c, memory[DX], memory[DY])
    to = parts_of_fields(g, sums)
    fields_plane(to, summed, seam, extent, r)
    over_walls(release_wall, (to, summed, r.one - r.one), 1, extent)
    of_u, of_v, _, _, _, centre = to
    close_rows(centre, centre, extent)
    velocities_plane(g[U], g[V], of_u, of_v, centre, seam, extent, r)
