"""What the adjoint of K steps keeps of a plane while it is at it, and where it lies."""

from __future__ import annotations

from typing import Any, NamedTuple

from solver.compiling import kernel
from solver.cpu.adjoint_fields import PLANES
from solver.cpu.adjoint_sums import Group
from solver.cpu.flat import COEFFICIENTS, Flat, open_flat
from solver.cpu.layout import NOW, OLD
from solver.cpu.stack import Stack, behind, make_stack, open_stack, plane_in


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
    first: Any
    "pointer to a plane for H[0], which the inputs have without a border; packs need none"
    segment: int
    segments: int


@kernel(inline=True)
def planes_of(segment, segments):
    """Return how many planes there are of coefficients and levels, of lams, of sums and of marks."""
    return COEFFICIENTS + segment + 2, segment + 3, PLANES, 2 * (segments - 1)


@kernel(part=True)
def make_scratch(segment, segments, cells, border, like):
    """Allocate it for planes of so many cells."""
    flat, lams, sums, marks = planes_of(segment, segments)
    return make_stack(flat + lams + sums + marks + 1, cells, border, like)


@kernel(inline=True)
def open_scratch(store, segment, segments, cells, border):
    """Lay it out."""
    flat, lams, sums, marks = planes_of(segment, segments)
    stack = open_stack(store, cells, border)
    of_lams = behind(stack, flat)
    of_sums = behind(of_lams, lams)
    of_marks = behind(of_sums, sums)
    return Scratch(open_flat(stack), of_lams, of_sums, of_marks, plane_in(of_marks, marks), segment, segments)


@kernel(inline=True)
def level_at(scratch, memory, s, slot):
    """Return where a level of segment s lies: H[-1] and H[0] are inputs."""
    given = memory[NOW] if slot == 1 else memory[OLD]
    return given if s == 0 and slot < 2 else plane_in(scratch.flat.levels, slot)


@kernel(inline=True)
def group_at(scratch, memory, slots, s):
    """Return the planes of a group of steps of segment s."""
    (k, h), lams = slots, scratch.lams
    levels = (
        level_at(scratch, memory, s, h[0]),
        level_at(scratch, memory, s, h[1]),
        level_at(scratch, memory, s, h[2]),
        level_at(scratch, memory, s, h[3]),
        level_at(scratch, memory, s, h[4]),
        level_at(scratch, memory, s, h[5]),
    )
    of_steps = (
        plane_in(lams, k[0]),
        plane_in(lams, k[1]),
        plane_in(lams, k[2]),
        plane_in(lams, k[3]),
        plane_in(lams, k[4]),
    )
    return Group(of_steps, levels)
