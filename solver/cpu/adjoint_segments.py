"""The levels of a segment of steps, computed again, and the way from one segment to the one before it."""

from __future__ import annotations

from solver.compiling import kernel
from solver.cpu.adjoint_scratch import level_at
from solver.cpu.copying import copy_run
from solver.cpu.flat import sweep_plane
from solver.cpu.stack import plane_in


@kernel(inline=True)
def advance(scratch, memory, s, j, asked, seam, extent, r):
    """Make step j of segment s."""
    new, now = plane_in(scratch.flat.levels, j + 2), level_at(scratch, memory, s, j + 1)
    old = level_at(scratch, memory, s, j)
    sweep_plane(new, scratch.flat.c, now, old, asked, seam, extent, r)


@kernel(inline=True)
def copy_plane(stack, to, other, at, cells):
    """Copy a plane from one stack to another, or within one."""
    copy_run(plane_in(stack, to), 0, plane_in(other, at), 0, cells)


@kernel(part=True)
def mark_segments(scratch, memory, asked, seam, extent, r):
    """Run on to the start of the last segment; keep the two levels at the start of each but the first in `marks`."""
    levels, cells, segment = scratch.flat.levels, extent.rows * extent.columns, scratch.segment
    for s in range(scratch.segments - 1):
        for j in range(1 if s == 0 else 0, segment):
            advance(scratch, memory, s, j, asked, seam, extent, r)
        for slot in range(2):
            copy_plane(scratch.marks, 2 * s + slot, levels, segment + slot, cells)
            copy_plane(levels, slot, levels, segment + slot, cells)


@kernel(part=True)
def go_back(scratch, s, cells):
    """Return to the start of a segment: its two levels, and the gradients of the two after it."""
    lams, levels = scratch.lams, scratch.flat.levels
    for slot in range(1, -1, -1):
        if s > 0:
            copy_plane(levels, slot, scratch.marks, 2 * (s - 1) + slot, cells)
        copy_plane(lams, scratch.segment + slot, lams, slot, cells)
