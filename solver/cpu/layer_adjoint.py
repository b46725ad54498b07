"""A layer of one step in training backward: groups of planes, with either traversal of the step's adjoint."""

from __future__ import annotations

import numpy as np

from solver.compiling import kernel
from solver.cpu import adjoint_step, lanes_adjoint_step
from solver.cpu.by_cell import make_room, make_starts, planes_of
from solver.cpu.field_bench import load, load_image, open_bench, open_source, scratch, unload
from solver.cpu.field_gradients import collect
from solver.cpu.layer_groups import inputs_of, make_fields, packs
from solver.cpu.pointers import keep_alive, pointer
from solver.cpu.sharing import share_out
from solver.cpu.targets import Targets


@kernel(part=True)
def target_of(origin, gradients, cells, nothing):
    """Return where the gradient of a coefficient goes."""
    return gradients[origin * cells :] if origin >= 0 else nothing


@kernel(part=True)
def collect_group(of_image, sums, fields, gradients, bench, here, learned, first, last):
    """Pass the gradients of the fields of planes first..last-1, whose image is `here`, on: see `field_gradients`."""
    _, n, rows, columns = learned.shape
    cells, zero, folded = rows * columns, here.dtype.type(0), pointer(learned.folded, 0)
    to, made, wanted = pointer(sums, 0), pointer(of_image, 0), of_image.size > 0
    source = open_source(here, -first * cells, learned.centres)
    for p in range(first, last):
        load_image(bench, source, p)
        if wanted:
            load(bench.work, bench.made, made, p * cells, rows, columns)
        start = (p - first) * n * cells
        g, of_plane = pointer(gradients, start), pointer(fields, start)
        collect(to, g, of_plane, bench, folded, wanted, learned.shape, p, zero)
        if wanted:
            unload(made, p * cells, bench.work, bench.made, rows, columns)
    keep_alive(learned, of_image, sums, fields, gradients, here)


@kernel(inline=True)
def pull_groups(pull, of_image, sums, cotangent, targets, learned, scheme, first, last):
    """Write the sums of the planes of groups first..last-1, and what the image has of H[K] and of its fields.

    `targets` says what is wanted, and where a group's gradients lie from plane to plane. What the image has lies plane
    after plane, the cotangent as the image.
    """
    _, n, rows, columns = learned.shape
    cells, group, image, order, origins = rows * columns, learned.group, learned.image, learned.order, scheme.origins
    size = group * n * cells
    room_of_image, room_of_given = make_room(order, group, image), make_room(order, group, image)
    starts = make_starts(order)
    bench_planes, room = scratch(learned.shape, image), np.empty(2 * size, image.dtype)
    bench, fields, gradients, nothing = open_bench(bench_planes, learned.shape), room[:size], room[size:], room[:0]
    for begin in range(first * group, min(last * group, learned.planes), group):
        end = min(begin + group, learned.planes)
        here = planes_of(image, room_of_image, order, starts, begin, end)
        given = planes_of(cotangent, room_of_given, order, starts, begin, end)
        make_fields(fields, bench, here, learned, begin, end)
        strides, wanted, joined = targets
        of_group = Targets(
            (
                of_image[begin * cells : end * cells],
                nothing,
                nothing,
                target_of(origins[3], gradients, cells, nothing),
                target_of(origins[4], gradients, cells, nothing),
                target_of(origins[5], gradients, cells, nothing),
                target_of(origins[6], gradients, cells, nothing),
            ),
            strides,
            wanted,
            joined,
            False,
        )
        inputs = inputs_of(here, fields, scheme)
        pull(of_group, (given, nothing), (inputs, scheme.table), scheme, end - begin)
        collect_group(of_image, sums, fields, gradients, bench, here, learned, begin, end)
    keep_alive(bench_planes, room, room_of_image, room_of_given)


@kernel(part=True)
def pull_by_step(targets, cotangents, batch, scheme, count):
    """Pull the gradient of one step back."""
    adjoint_step.adjoint_some(targets, cotangents, batch, scheme.ratios, scheme.extent, scheme.choice, 0, count)


@kernel(part=True)
def pull_step_in_packs(targets, cotangents, batch, scheme, count):
    """Pull that of one step of small planes back."""
    lanes_adjoint_step.some_packs(
        targets, cotangents, batch, scheme.ratios, scheme.extent, scheme.choice, count, 0, packs(count)
    )


@kernel()
def pull_step(of_image, sums, cotangent, targets, learned, scheme, span):
    """Pull the gradients of one step back, the groups of a span."""
    share_out(pull_step_some, (of_image, sums, cotangent, targets, learned, scheme), span)


@kernel(part=True)
def pull_step_some(of_image, sums, cotangent, targets, learned, scheme, first, last):
    """Do so for groups first..last-1."""
    pull_groups(pull_by_step, of_image, sums, cotangent, targets, learned, scheme, first, last)


@kernel()
def pull_packed_step(of_image, sums, cotangent, targets, learned, scheme, span):
    """Do so for small planes."""
    share_out(pull_packed_step_some, (of_image, sums, cotangent, targets, learned, scheme), span)


@kernel(part=True)
def pull_packed_step_some(of_image, sums, cotangent, targets, learned, scheme, first, last):
    """Do so for groups first..last-1."""
    pull_groups(pull_step_in_packs, of_image, sums, cotangent, targets, learned, scheme, first, last)
