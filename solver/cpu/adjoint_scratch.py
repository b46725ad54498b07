"""What the adjoint of K steps keeps of a plane while it is at it, and where it lies."""

from __future__ import annotations

from typing import NamedTuple

from solver.compiling import kernel
from solver.cpu.adjoint_fields import PLANES
from solver.cpu.adjoint_sums import Group
from solver.cpu.flat import COEFFICIENTS, Flat, open_flat
from solver.cpu.layout import NOW, OLD
from solver.cpu.segments import segment_length, segments_of
from solver.cpu.stack import Stack, cells_of_stack, open_stack, plane_in


class Scratch(NamedTuple):
    """Scratch for one plane.

    With k counted from the start of a segment, H[k - 1] is in slot k of the levels and dL/dH[k] in slot k of `lams`,
    the last of which is zero.
    """

    flat: Flat
    lams: Stack
    sums: Stack
    marks: Stack
    "two levels at the start of each segment"
    segment: int
    segments: int


@kernel(inline=True)
def stacks_of(steps, rows, columns, itemsize):
    """Return the length of a segment, how many there are, and the planes of each stack."""
    segment = segment_length(steps, rows * columns * itemsize)
    segments = segments_of(steps, segment)
    return segment, segments, (COEFFICIENTS + segment + 2, segment + 3, PLANES, 2 * segments)


@kernel(inline=True)
def open_scratch(store, steps, rows, columns):
    """Lay the scratch out."""
    cells, itemsize = rows * columns, store.itemsize
    segment, segments, (planes, lams, sums, marks) = stacks_of(steps, rows, columns, itemsize)
    at = cells_of_stack(planes, rows, cells, itemsize)
    then = at + cells_of_stack(lams, rows, cells, itemsize)
    last = then + cells_of_stack(sums, rows, cells, itemsize)
    return Scratch(
        open_flat(store, planes - COEFFICIENTS, rows, columns),
        open_stack(store, at, lams, rows, cells),
        open_stack(store, then, sums, rows, cells),
        open_stack(store, last, marks, rows, cells),
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
