"""A layer in training forward: K steps of groups of planes, one kernel for each traversal of the equation."""

from __future__ import annotations

import numpy as np

from solver.compiling import kernel
from solver.cpu import lanes_forward, planes
from solver.cpu.by_cell import make_room, make_starts, place_of, planes_of, put_planes
from solver.cpu.field_bench import open_bench, scratch
from solver.cpu.layer_groups import inputs_of, make_fields, packs
from solver.cpu.pointers import keep_alive
from solver.cpu.sharing import share_out


@kernel(inline=True)
def advance_groups(advance, out, learned, scheme, first, last):
    """Write H[K] of the planes of groups first..last-1."""
    _, n, rows, columns = learned.shape
    group, image, order = learned.group, learned.image, learned.order
    bench_planes, fields = scratch(learned.shape, image), np.empty(group * n * rows * columns, image.dtype)
    room, result, starts = make_room(order, group, image), make_room(order, group, image), make_starts(order)
    bench = open_bench(bench_planes, learned.shape)
    for begin in range(first * group, min(last * group, learned.planes), group):
        end = min(begin + group, learned.planes)
        here, there = planes_of(image, room, order, starts, begin, end), place_of(out, result, order, begin, end)
        make_fields(fields, bench, here, learned, begin, end)
        advance(there, fields[:0], inputs_of(here, fields, scheme), scheme, end - begin)
        put_planes(out, result, order, starts, begin, end)
    keep_alive(bench_planes, fields, room, result)


@kernel(part=True)
def advance_by_step(out, old, inputs, scheme, count):
    """Make one step of so many planes."""
    planes.step_some(out, old, inputs, scheme.table, scheme.ratios, scheme.extent, 0, count)


@kernel(part=True)
def advance_flat(out, old, inputs, scheme, count):
    """Make several."""
    planes.flat_some(out, old, inputs, scheme.table, scheme.ratios, scheme.extent, 0, count)


@kernel(part=True)
def advance_in_packs(out, old, inputs, scheme, count):
    """Make one, or several, of small planes."""
    lanes_forward.some_packs(
        out, old, inputs, scheme.table, scheme.ratios, scheme.extent, count, scheme.choice, 0, packs(count)
    )


@kernel()
def step_groups(out, learned, scheme, span):
    """Make one step of all groups of a span."""
    share_out(step_groups_some, (out, learned, scheme), span)


@kernel(part=True)
def step_groups_some(out, learned, scheme, first, last):
    """Do so for groups first..last-1."""
    advance_groups(advance_by_step, out, learned, scheme, first, last)


@kernel()
def flat_groups(out, learned, scheme, span):
    """Make several steps of all groups of a span."""
    share_out(flat_groups_some, (out, learned, scheme), span)


@kernel(part=True)
def flat_groups_some(out, learned, scheme, first, last):
    """Do so for groups first..last-1."""
    advance_groups(advance_flat, out, learned, scheme, first, last)


@kernel()
def packed_groups(out, learned, scheme, span):
    """Make one step, or several, of all groups of small planes of a span."""
    share_out(packed_groups_some, (out, learned, scheme), span)


@kernel(part=True)
def packed_groups_some(out, learned, scheme, first, last):
    """Do so for groups first..last-1."""
    advance_groups(advance_in_packs, out, learned, scheme, first, last)
