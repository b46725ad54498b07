"""The gradients of the seven coefficients: sums over the steps, several steps at a time in registers."""

from __future__ import annotations

from typing import Any, NamedTuple

from solver import stencil
from solver.arithmetic import multiply_add
from solver.compiling import kernel, point_function
from solver.cpu.asking import rest
from solver.cpu.pointers import seven
from solver.cpu.seam import level_around, over_closed
from solver.cpu.vectors import take_widest

GROUP = 5  # steps whose gradients are summed in registers
SUMS = 7


class Group(NamedTuple):
    """What the gradients of some steps are made of: pointers to planes.

    `lams` are dL/dH[k+1] of GROUP steps, zero for those that are lacking; `levels` the GROUP + 1 that they read, H[k]
    from the one before the first step's on.
    """

    lams: tuple[Any, ...]
    levels: tuple[Any, ...]


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


@point_function
def add_step(found, lam, old, around):
    """Add the gradients of one step to those of the seven coefficients of a cell: see `stencil.step_adjoint`."""
    return (
        multiply_add(lam, old, found[0]),
        multiply_add(lam, around[0], found[1]),
        multiply_add(lam, around[1], found[2]),
        multiply_add(lam, around[2], found[3]),
        multiply_add(lam, around[3], found[4]),
        multiply_add(lam, around[4], found[5]),
        lam + found[6],
    )


@point_function
def sum_of_steps(group, q, around):
    """Return the gradients of the seven coefficients of cell q, summed over a group of steps.

    `around` are the cell and its neighbours, centre first, in the levels of the group but the first.
    """
    lam, one = group.lams, around[0]
    found = stencil.step_adjoint(lam[0][q], group.levels[0][q], one[0], one[1], one[2], one[3], one[4])
    found = add_step(found, lam[1][q], around[0][0], around[1])
    found = add_step(found, lam[2][q], around[1][0], around[2])
    found = add_step(found, lam[3][q], around[2][0], around[3])
    return add_step(found, lam[4][q], around[3][0], around[4])


@point_function
def sum_so_far(sums, groups, group, q, around):
    """Return those sums with what `sums` holds of other groups, if there are any."""
    found = sum_of_steps(group, q, around)
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
    """Return the seven planes of sums over so many groups.

    Those over the next one lie elsewhere: cells may be made twice, see `solver.cpu.seam`.
    """
    return seven(stack.planes, groups % 2 * SUMS * stack.pitch, stack.pitch)


@point_function
def levels_around(group, q, north, south, seam):
    """Return cell q and its neighbours in the levels of a group but the first."""
    H = group.levels
    return (
        level_around(H[1], q, north, south, seam),
        level_around(H[2], q, north, south, seam),
        level_around(H[3], q, north, south, seam),
        level_around(H[4], q, north, south, seam),
        level_around(H[5], q, north, south, seam),
    )


@point_function
def accumulate_cell(q, north, south, before, after, arguments, seam, r):
    """Add a group's sums in a cell."""
    to, sums, groups, group = arguments
    found = sum_so_far(sums, groups, group, q, levels_around(group, q, north, south, seam))
    to[0][q], to[1][q], to[2][q], to[3][q], to[4][q], to[5][q], to[6][q] = found


@kernel(apart=True, part=True)
def accumulate(to, sums, groups, group, seam, extent, r):
    """Add a group's gradients to the sums over `groups` others."""
    take_widest()
    over_closed(accumulate_cell, (to, sums, groups, group), rest, None, seam, extent, r)
