"""From the sums over the steps to the gradients of the fields, published forms, in flat planes.

The gradients of u and v take from the neighbours that of the centre's numerator, which the divergence enters: it is
made of all cells first, with all else.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from solver import stencil
from solver.compiling import kernel, point_function
from solver.cpu import plane
from solver.cpu.adjoint_sums import columns_of_group, columns_of_sums, sum_so_far, sums_of
from solver.cpu.columns import gather, scatter
from solver.cpu.flat import coefficient_columns, kept
from solver.cpu.inside import over_inside, rest
from solver.cpu.layout import DX, DY, SOURCE, U, V
from solver.cpu.pointers import seven
from solver.cpu.stack import column_in, columns_around, gather_beside, gather_ends, plane_in, put_ends
from solver.cpu.vectors import take_widest

# Planes of the stack of sums, behind twice seven of these: what the velocities' gradients are made of.
CENTRE, OF_U, OF_V, PLANES = 14, 15, 16, 17


class Summed(NamedTuple):
    """What the gradients of the fields are made of: pointers to planes, or to columns."""

    sums: tuple[Any, ...]
    groups: int
    "how many others are in `sums`"
    group: tuple[Any, ...]
    c: tuple[Any, ...]
    Dx: Any
    Dy: Any


@point_function
def fields_of_sums(summed, q, n, s, w, e, r):
    """Return the gradients of u and v, but for the neighbours' part and the ratio, of Dx, Dy, f and the centre."""
    found = sum_so_far(summed.sums, summed.groups, summed.group, q, n, s, w, e)
    D_x, D_y = summed.Dx[q], summed.Dy[q]
    made = stencil.assemble_adjoint(kept(summed.c, q), found, (D_x, D_x, D_x), (D_y, D_y, D_y), r)
    b, centre, north, south, west, east, source = made
    of_Dx, of_Dy = r.xx * (north + south + b), r.yy * (west + east + b)
    return north - south, west - east, of_Dx, of_Dy, source, centre


@point_function
def fields_cell(q, north, south, before, after, arguments, r):
    """Write what a cell inside its row has to give: `to` are pointers for the six gradients."""
    to, summed = arguments
    to[0][q], to[1][q], to[2][q], to[3][q], to[4][q], to[5][q] = fields_of_sums(
        summed, q, north, south, q - 1, q + 1, r
    )


@kernel(apart=True, part=True)
def fields_inside(to, summed, extent, r):
    """Do so for all cells but the ends of rows."""
    take_widest()
    over_inside(fields_cell, (to, summed), rest, None, extent, r)


@kernel(apart=True, part=True)
def fields_column(to, summed, rows, r):
    """Do so for a column of ends."""
    take_widest()
    for i in range(rows):
        to[0][i], to[1][i], to[2][i], to[3][i], to[4][i], to[5][i] = fields_of_sums(summed, i, i - 1, i + 1, i, i, r)


@point_function
def velocities_cell(q, north, south, before, after, arguments, r):
    """Write the gradients of u and v of a cell inside its row."""
    to_u, to_v, of_u, of_v, centre = arguments
    to_u[q] = r.x * (of_u[q] + (centre[south] - centre[north]))
    to_v[q] = r.y * (of_v[q] + (centre[q + 1] - centre[q - 1]))


@kernel(apart=True, part=True)
def velocities_inside(to_u, to_v, of_u, of_v, centre, extent, r):
    """Do so for all cells but the ends of rows."""
    take_widest()
    over_inside(velocities_cell, (to_u, to_v, of_u, of_v, centre), rest, None, extent, r)


@kernel(apart=True, part=True)
def velocities_column(to_u, to_v, of_u, of_v, centre, west, east, rows, r):
    """Do so for a column of ends."""
    take_widest()
    for i in range(rows):
        to_u[i] = r.x * (of_u[i] + (centre[i + 1] - centre[i - 1]))
        to_v[i] = r.y * (of_v[i] + (east[i] - west[i]))


@kernel(part=True)
def published_fields_adjoint(g, flat, sums, groups, slots, lams, group, memory, columns, extent, r):
    """Add a last group to the sums over `groups` others, and write the gradients of the five fields."""
    rows, n, one = extent.rows, extent.columns, r.one
    centre, of_u, of_v = plane_in(sums, CENTRE), plane_in(sums, OF_U), plane_in(sums, OF_V)
    planes = Summed(sums_of(sums, groups), groups, group, flat.c, memory[DX], memory[DY])
    fields_inside((of_u, of_v, g[DX], g[DY], g[SOURCE], centre), planes, extent, r)
    of_Dx, of_Dy, of_f, Dx, Dy, _, _ = seven(columns.free, 0, columns.pitch)
    for last in range(2):
        column = last * (n - 1)
        gather(Dx, memory[DX], column, rows, n, one)
        gather(Dy, memory[DY], column, rows, n, one)
        ends = columns_of_group(slots, flat.levels, lams, last, extent)
        summed = Summed(columns_of_sums(sums, groups, last), groups, ends, coefficient_columns(flat, last), Dx, Dy)
        made_u, made_v, made = column_in(sums, OF_U, last), column_in(sums, OF_V, last), column_in(sums, CENTRE, last)
        fields_column((made_u, made_v, of_Dx, of_Dy, of_f, made), summed, rows, r)
        scatter(g[DX], column, of_Dx, rows, n)
        scatter(g[DY], column, of_Dy, rows, n)
        scatter(g[SOURCE], column, of_f, rows, n)
    put_ends(sums, CENTRE, centre, extent)
    if plane.has_walls(extent.sides):
        release_published_walls(g, sums, groups, group[0], extent, one - one)
        gather_ends(sums, CENTRE, centre, extent, one)
    velocities_inside(g[U], g[V], of_u, of_v, centre, extent, r)
    gather_beside(sums, CENTRE, centre, extent, one)
    for last in range(2):
        west, east = columns_around(sums, CENTRE, last, extent)
        made_u, made_v, made = column_in(sums, OF_U, last), column_in(sums, OF_V, last), column_in(sums, CENTRE, last)
        velocities_column(of_Dx, of_Dy, made_u, made_v, made, west, east, rows, r)
        scatter(g[U], last * (n - 1), of_Dx, rows, n)
        scatter(g[V], last * (n - 1), of_Dy, rows, n)


@kernel(part=True)
def release_published_walls(g, sums, groups, lams, extent, zero):
    """On Dirichlet walls let the gradient of the source be that of the value, the sum of lam, and all others zero."""
    rows, n, sides = extent.rows, extent.columns, extent.sides
    for i in range(rows):
        for j in range(0, n, plane.wall_stride(i + 1, rows, n, sides)):
            if plane.on_wall(i + 1, j + 1, rows, n, sides):
                q = i * n + j
                value = lams[0][q] + lams[1][q] + lams[2][q] + lams[3][q] + lams[4][q]
                if groups > 0:
                    value += sum_of_lams(sums, groups, i, j, n)
                g[SOURCE][q] = value
                for which in (DX, DY):
                    g[which][q] = zero
                for which in (CENTRE, OF_U, OF_V):
                    plane_in(sums, which)[q] = zero
                    for last in range(2):
                        if j == last * (n - 1):
                            column_in(sums, which, last)[i] = zero


@kernel(inline=True)
def sum_of_lams(sums, groups, i, j, n):
    """Return the sum of lam over groups of steps in a cell: at the ends of rows it is in columns."""
    if j == 0 or j == n - 1:
        return columns_of_sums(sums, groups, 0 if j == 0 else 1)[6][i]
    return sums_of(sums, groups)[6][i * n + j]
