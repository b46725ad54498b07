"""What the adjoint of K steps keeps of a plane while it is at it, and where it lies."""

from __future__ import annotations

from typing import NamedTuple

from solver.compiling import kernel
from solver.cpu.adjoint_fields import PLANES
from solver.cpu.adjoint_sums import Group
from solver.cpu.flat import COEFFICIENTS, Flat, open_flat
from solver.cpu.layout import NOW, OLD
from solver.cpu.stack import Stack, cells_of_stack, make_stacks, open_stack, plane_in


class Scratch(NamedTuple):
    """Scratch for one plane.

    With k counted from the start of a segment of n steps:

        slot      0      1     2    ...   n       n + 1        last
        levels   H[-1]  H[0]  H[1]  ...  H[n-1]   H[n]
        lams    dH[0]  dH[1] dH[2]  ...  dH[n]   dH[n+1]       zero

    dH is the gradient of the loss by H; beyond the last step of all it is zero as well.
    """

    flat: Flat
    lams: Stack
    sums: Stack
    marks: Stack
    "two levels at the start of each segment"
    segment: int
    segments: int


@kernel(inline=True)
def stacks_of(segment, segments):
    """Return the planes of coefficients and levels, of lams, of sums and of marks."""
    return COEFFICIENTS + segment + 2, segment + 3, PLANES, 2 * (segments - 1)


@kernel(part=True)
def make_scratch(segment, segments, rows, cells, like):
    """Allocate it for planes of so many cells, with columns of so many rows."""
    flat, lams, sums, marks = stacks_of(segment, segments)
    return make_stacks(cells_of_stack(flat + lams + sums + marks, rows, cells, like.itemsize), like)


@kernel(inline=True)
def open_scratch(store, segment, segments, rows, cells):
    """Lay it out."""
    flat, lams, sums, marks = stacks_of(segment, segments)
    of_lams = cells_of_stack(flat, rows, cells, store.itemsize)
    of_sums = of_lams + cells_of_stack(lams, rows, cells, store.itemsize)
    of_marks = of_sums + cells_of_stack(sums, rows, cells, store.itemsize)
    return Scratch(
        open_flat(store, flat - COEFFICIENTS, rows, cells),
        open_stack(store, of_lams, lams, rows, cells),
        open_stack(store, of_sums, sums, rows, cells),
        open_stack(store, of_marks, marks, rows, cells),
        segment,
        segments,
    )


@kernel(inline=True)
def level_at(scratch, memory, s, slot):
    """Return where a level of segment s lies: H[-1] and H[0] are the inputs themselves."""
    given = memory[NOW] if slot == 1 else memory[OLD]
    return given if s == 0 and slot < 2 else plane_in(scratch.flat.levels, slot)


@kernel(inline=True)
def lam_at(scratch, given, s, slot, length):
    """Return where dL/dH[k] of segment s lies, of so many steps: at the end of the last segment it is given."""
    return given if s == scratch.segments - 1 and slot == length else plane_in(scratch.lams, slot)


@kernel(inline=True)
def group_at(scratch, memory, given, slots, s, length):
    """Return the planes of a group of steps of segment s; `given` is dL/dH[K]."""
    k, h = slots
    levels = (
        level_at(scratch, memory, s, h[0]),
        level_at(scratch, memory, s, h[1]),
        level_at(scratch, memory, s, h[2]),
        level_at(scratch, memory, s, h[3]),
        level_at(scratch, memory, s, h[4]),
        level_at(scratch, memory, s, h[5]),
    )
    lams = (
        lam_at(scratch, given, s, k[0], length),
        lam_at(scratch, given, s, k[1], length),
        lam_at(scratch, given, s, k[2], length),
        lam_at(scratch, given, s, k[3], length),
        lam_at(scratch, given, s, k[4], length),
    )
    return Group(lams, levels, levels[1:], levels[1:])
