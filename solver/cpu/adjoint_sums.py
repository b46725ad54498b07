"""The gradients of the seven coefficients: sums over the steps, several steps at a time in registers."""

from __future__ import annotations

from typing import Any, NamedTuple

from solver import stencil
from solver.arithmetic import multiply_add
from solver.compiling import kernel, point_function
from solver.cpu.inside import over_inside, rest
from solver.cpu.pointers import seven
from solver.cpu.stack import column_in, columns_around
from solver.cpu.vectors import take_widest

GROUP = 5  # steps whose gradients are summed in registers
SUMS = 7


class Group(NamedTuple):
    """What the gradients of some steps are made of: pointers to planes, or to columns.

    `lams` are dL/dH[k+1] of GROUP steps, zero for those that are lacking; `levels` the GROUP + 1 that they read, H[k]
    from the one before the first step's on. West and east of a cell are `west` and `east` of all but the first.
    """

    lams: tuple[Any, ...]
    levels: tuple[Any, ...]
    west: tuple[Any, ...]
    east: tuple[Any, ...]


@kernel(inline=True)
def slots_of_group(first, count, nothing):
    """Return the slots of lam of the steps first..first+count-1, counted from 0, and those of the levels they read.

    Step k reads H[k - 1] and H[k], in slots k and k + 1, and its result's gradient is in slot k + 1 of lam, or, for a
    step that the group lacks, in `nothing`.
    """
    a, b, c, d, e = first + 1, first + 2, first + 3, first + 4, first + 5
    last = first + count
    lams = (
        a,
        b if b <= last else nothing,
        c if c <= last else nothing,
        d if d <= last else nothing,
        e if e <= last else nothing,
    )
    return lams, (first, a, min(b, last), min(c, last), min(d, last), min(e, last))


@kernel(inline=True)
def columns_of_group(slots, levels, lams, last, extent):
    """Return the group of the first or last cells of rows."""
    k, h = slots
    b_west, b_east = columns_around(levels, h[1], last, extent)
    c_west, c_east = columns_around(levels, h[2], last, extent)
    d_west, d_east = columns_around(levels, h[3], last, extent)
    e_west, e_east = columns_around(levels, h[4], last, extent)
    f_west, f_east = columns_around(levels, h[5], last, extent)
    return Group(
        (
            column_in(lams, k[0], last),
            column_in(lams, k[1], last),
            column_in(lams, k[2], last),
            column_in(lams, k[3], last),
            column_in(lams, k[4], last),
        ),
        (
            column_in(levels, h[0], last),
            column_in(levels, h[1], last),
            column_in(levels, h[2], last),
            column_in(levels, h[3], last),
            column_in(levels, h[4], last),
            column_in(levels, h[5], last),
        ),
        (b_west, c_west, d_west, e_west, f_west),
        (b_east, c_east, d_east, e_east, f_east),
    )


@point_function
def add_step(found, lam, old, centre, north, south, west, east):
    """Add the gradients of one step to those of the seven coefficients of a cell: see `stencil.step_adjoint`."""
    return (
        multiply_add(lam, old, found[0]),
        multiply_add(lam, centre, found[1]),
        multiply_add(lam, north, found[2]),
        multiply_add(lam, south, found[3]),
        multiply_add(lam, west, found[4]),
        multiply_add(lam, east, found[5]),
        lam + found[6],
    )


@point_function
def sum_of_steps(group, q, n, s, w, e):
    """Return the gradients of the seven coefficients of cell q, summed over a group of steps."""
    lam, H, W, E = group
    found = stencil.step_adjoint(lam[0][q], H[0][q], H[1][q], H[1][n], H[1][s], W[0][w], E[0][e])
    found = add_step(found, lam[1][q], H[1][q], H[2][q], H[2][n], H[2][s], W[1][w], E[1][e])
    found = add_step(found, lam[2][q], H[2][q], H[3][q], H[3][n], H[3][s], W[2][w], E[2][e])
    found = add_step(found, lam[3][q], H[3][q], H[4][q], H[4][n], H[4][s], W[3][w], E[3][e])
    return add_step(found, lam[4][q], H[4][q], H[5][q], H[5][n], H[5][s], W[4][w], E[4][e])


@point_function
def sum_so_far(sums, groups, group, q, n, s, w, e):
    """Return those sums with what `sums` holds of other groups, if there are any."""
    found = sum_of_steps(group, q, n, s, w, e)
    if groups == 0:
        return found
    return (
        found[0] + sums[0][q],
        found[1] + sums[1][q],
        found[2] + sums[2][q],
        found[3] + sums[3][q],
        found[4] + sums[4][q],
        found[5] + sums[5][q],
        found[6] + sums[6][q],
    )


@kernel(inline=True)
def sums_of(stack, groups):
    """Return the seven planes of sums over so many groups. Those over the next one lie elsewhere: see `inside`."""
    return seven(stack.planes, groups % 2 * SUMS * stack.pitch, stack.pitch)


@kernel(inline=True)
def columns_of_sums(stack, groups, last):
    """Return their columns of first or last cells."""
    return seven(stack.columns, (4 * (groups % 2 * SUMS) + last) * stack.column, 4 * stack.column)


@point_function
def accumulate_cell(q, north, south, before, after, arguments, r):
    """Add a group's sums in a cell inside its row."""
    to, sums, groups, group = arguments
    found = sum_so_far(sums, groups, group, q, north, south, q - 1, q + 1)
    to[0][q], to[1][q], to[2][q], to[3][q], to[4][q], to[5][q], to[6][q] = found


@kernel(apart=True, part=True)
def accumulate_inside(to, sums, groups, group, extent, r):
    """Do so for all cells but the ends of rows."""
    take_widest()
    over_inside(accumulate_cell, (to, sums, groups, group), rest, None, extent, r)


@kernel(apart=True, part=True)
def accumulate_column(to, sums, groups, group, rows):
    """Do so for a column of ends."""
    take_widest()
    for i in range(rows):
        found = sum_so_far(sums, groups, group, i, i - 1, i + 1, i, i)
        to[0][i], to[1][i], to[2][i], to[3][i], to[4][i], to[5][i], to[6][i] = found


@kernel(part=True)
def accumulate(stack, groups, slots, group, levels, lams, extent, r):
    """Add a group's gradients to the sums over `groups` others; `slots` are those of its levels and lams."""
    accumulate_inside(sums_of(stack, groups + 1), sums_of(stack, groups), groups, group, extent, r)
    for last in range(2):
        to, sums = columns_of_sums(stack, groups + 1, last), columns_of_sums(stack, groups, last)
        accumulate_column(to, sums, groups, columns_of_group(slots, levels, lams, last, extent), extent.rows)
