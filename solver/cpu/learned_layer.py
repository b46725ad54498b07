"""A layer in training, from its input I to H[K] and back, that keeps nothing but I in between.

    F = ReLU(BatchNorm(3 x 3 convolutions of I)),    H[K] of the equation with the fields F, H[0] = H[-1] = f = I

The fields are four times as large as I, and nine products each: they are made, forward and backward, for as many planes
(or images) at a time as a cache holds, and forgotten. The norm's adjoint needs two means over the gradients of all
images; what comes of these is added in a second pass, which needs I alone: see `solver.cpu.composite`.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, Final, NamedTuple

import numpy as np

from solver import cpu
from solver.cpu import layer_adjoint, layer_forward, learned_fields
from solver.cpu.by_cell import TOGETHER, Order
from solver.cpu.course import CACHED, SHARED
from solver.cpu.layer import Parts
from solver.cpu.layer_groups import OF_CONSTANT, OF_IMAGE, OF_ZERO, Learned, Scheme
from solver.cpu.layout import Extent
from solver.cpu.learned_fields import Gradients, Norm
from solver.cpu.pullback import adjoint_stacked_into
from solver.cpu.small import is_small
from solver.cpu.targets import aligned
from solver.cpu.threads import Team, own_team, share
from solver.cpu.transposing import LANES
from solver.records import Array, Inputs, Mesh, Ratios

GROUP: Final = 1 << 18  # bytes of the fields of a group of planes: measured, 2^16 and 2^20 are slower
ROOM: Final = 1 << 23  # bytes of the fields of some images, where there are no groups


class Equation(NamedTuple):
    """What is made of the fields."""

    parts: Parts
    mesh: Mesh
    steps: int


def forward(out: Array, image: Array, filters: Array, norm: Norm, equation: Equation, team: Team | None = None) -> None:
    """Write H[K] for `image`, (N, C, rows, columns), into `out`; both contiguous, `filters` (C, n, 9).

    Where `takes_by_cell` says so, the channels of both may be last instead.
    """
    cells, planes, steps = prod(image.shape[2:]), prod(image.shape[:2]), equation.steps
    team = _team(image, filters, equation, team)
    if steps == 0:
        out[...] = image
    elif cells > CACHED or (planes < team.size and cells > SHARED):
        _forward_by_images(out, image, filters, norm, equation, team)
    else:
        choice: bool | None = None
        kernel = layer_forward.step_groups if steps == 1 else layer_forward.flat_groups
        small = is_small(image.shape, steps, image.itemsize)
        if small:
            kernel, choice = layer_forward.packed_groups, None if steps == 1 else True
        learned, scheme = _learned(image, filters, norm, team, small), _scheme(image, equation, choice)
        _run(kernel, (learned.order.flat(out), learned, scheme), learned, team)


def takes_by_cell(shape: tuple[int, ...], itemsize: int, fields: int, equation: Equation, threads: int) -> bool:
    """Whether `forward` and `pull_back` take images of a shape (N, C, rows, columns) with channels last as they lie.

    A group then holds the planes that share a cache line, of one image or more, and there is one for each thread; else
    all is turned around in less time.
    """
    cells = prod(shape[2:])
    return (
        _is_one_published_step(equation)
        and TOGETHER * itemsize * fields * cells <= GROUP
        and cells <= SHARED  # else threads may share a plane
        and shape[1] >= TOGETHER
        and shape[0] * shape[1] >= TOGETHER * threads
    )


def _is_one_published_step(equation: Equation) -> bool:
    """Whether the adjoint goes by groups, and not by images."""
    ratios = Ratios.of(equation.mesh, np.dtype(np.float64))
    return equation.steps == 1 and not (ratios.velocity_share or ratios.diffusivity_share)


def pull_back(
    cotangent: Array,
    image: Array,
    filters: Array,
    norm: Norm,
    equation: Equation,
    of_image: bool,
    team: Team | None = None,
) -> Gradients:
    """Return the gradients of image, filters, gamma and beta for that of H[K], `cotangent`, which lies as the image."""
    steps, joined, team = equation.steps, equation.parts.joined, _team(image, filters, equation, team)
    made = aligned(image.shape if of_image else (0,), image.dtype)
    if steps == 0:
        made[...] = cotangent if of_image else 0
        return Gradients(
            made if of_image else None, *(np.zeros_like(a, image.dtype) for a in (filters, norm.gamma, norm.beta))
        )
    found = learned_fields.sums_of(image, filters)
    if _is_one_published_step(equation):
        small = is_small(image.shape, steps, image.itemsize, adjoint=True)
        kernel = layer_adjoint.pull_packed_step if small else layer_adjoint.pull_step
        choice = True if of_image and joined[1] and joined[2] else None
        learned, scheme = _learned(image, filters, norm, team, small), _scheme(image, equation, choice)
        targets = _targets(scheme, of_image, joined, prod(image.shape[2:]), filters.shape[1])
        arguments = (made.reshape(-1), found.reshape(-1), learned.order.flat(cotangent), targets, learned, scheme)
        _run(kernel, arguments, learned, team)
    else:
        _pull_by_images(made, found, cotangent, image, filters, norm, equation, team)
    return learned_fields.finish(made, found, image, filters, norm, team)


def _learned(image: Array, filters: Array, norm: Norm, team: Team, packed: bool) -> Learned:
    """Describe the planes of an image, and how many are a group: enough for all threads, and of small planes packs."""
    n, cells, planes = filters.shape[1], prod(image.shape[2:]), prod(image.shape[:2])
    group = max(1, min(GROUP // (image.itemsize * n * cells), planes // max(1, team.pieces)))
    order = Order.of(image, team)
    if packed:
        group = -(-group // LANES) * LANES
    elif order.by_cell:
        group = max(TOGETHER, group // TOGETHER * TOGETHER)
    folded, shifts = learned_fields.folded_into(filters, norm)
    shape = (image.shape[1], n, image.shape[2], image.shape[3])
    return Learned(order.flat(image), order, folded.reshape(-1), shifts, norm.centres, shape, planes, group)


def _scheme(image: Array, equation: Equation, choice: bool | None) -> Scheme:
    """Describe the equation of a group of planes."""
    parts, mesh, dtype = equation.parts, equation.mesh, image.dtype
    cells, planes = prod(image.shape[2:]), prod(image.shape[:2])
    of_D = OF_ZERO if parts.diffusivity is None else OF_CONSTANT
    origins = dict.fromkeys(Inputs._fields, OF_IMAGE) | {"u": OF_ZERO, "v": OF_ZERO, "Dx": of_D, "Dy": of_D}
    origins |= {name: number for number, name in enumerate(parts.names)}
    if not parts.source:
        origins["source"] = OF_ZERO
    n = len(parts.names)
    rows = {OF_IMAGE: (cells, cells, 1, planes), OF_ZERO: (1, 1, 1, 1), OF_CONSTANT: (1, 1, 1, 1)}
    table = np.array([rows.get(origin, (cells, n * cells, 1, planes)) for origin in origins.values()], np.int64)
    constants = np.array((0, parts.diffusivity or 0), dtype)
    ratios, extent = Ratios.of(mesh, dtype), Extent.of(image.shape, equation.steps, mesh, dtype)
    return Scheme(
        np.array(list(origins.values()), np.int64),
        constants,
        table,
        ratios.pruned(),
        extent,
        choice,
    )


def _targets(scheme: Scheme, of_image: bool, joined: list[bool], cells: int, n: int) -> tuple[Array, Array, Array]:
    """Return values from plane to plane, what is wanted, and what is part of the gradient of H[0]."""
    learned = scheme.origins >= 0
    strides = np.where(learned, n * cells, cells).astype(np.int64)
    wanted = learned.copy()
    wanted[0] = of_image
    return strides, wanted, np.array([j and of_image for j in joined], np.bool_)


def _team(image: Array, filters: Array, equation: Equation, team: Team | None) -> Team:
    """Return the team for the work; raise if the mesh has a filter, which a layer has not."""
    if equation.mesh.raw.nu:
        raise ValueError("`mesh` has a filter, which the steps of a layer do not apply: give one without")
    return (team or own_team()).for_work(image.size * (filters.shape[1] + equation.steps))


def _run(kernel: Any, arguments: tuple[Any, ...], learned: Learned, team: Team) -> None:
    """Go over the groups of planes."""
    share(kernel, arguments, -(-learned.planes // learned.group), team)


def _forward_by_images(out: Array, image: Array, filters: Array, norm: Norm, equation: Equation, team: Team) -> None:
    """Write H[K] of planes that threads share, or that no cache holds."""
    room = _room(image, filters)
    for some in _some_at_a_time(image, len(room)):
        fields = room[: len(image[some])]
        learned_fields.values(fields, image[some], filters, norm, team)
        inputs = equation.parts.arrays(image[some], fields)
        cpu.forward_into(out[some], inputs, equation.mesh, equation.steps, team)


def _pull_by_images(
    made: Array,
    found: Array,
    cotangent: Array,
    image: Array,
    filters: Array,
    norm: Norm,
    equation: Equation,
    team: Team,
) -> None:
    """Make the first pass of the gradients of several steps, or of the other forms.

    The kernels of several steps are large: made again for groups of planes they would compile for as long again, and
    what they gain by it is small beside K steps.
    """
    parts, mesh, steps = equation
    room, room_of_fields = _room(image, filters), _room(image, filters)
    for some in _some_at_a_time(image, len(room)):
        count = len(image[some])
        fields, of_fields, of_some = room[:count], room_of_fields[:count], made[some] if made.size else made
        learned_fields.values(fields, image[some], filters, norm, team)
        inputs = parts.arrays(image[some], fields)
        adjoint_stacked_into(of_some, of_fields, cotangent[some], inputs, parts.names, mesh, steps, parts.joined, team)
        learned_fields.begin(of_some, made.size > 0, found[some], of_fields, image[some], filters, norm, team)


def _room(image: Array, filters: Array) -> Array:
    """Allocate for the fields of as many images as `ROOM` holds those of, one at least."""
    size = image.itemsize * filters.shape[1] * prod(image.shape[1:])
    count = min(max(1, ROOM // size), len(image))
    return aligned((count, image.shape[1], filters.shape[1], *image.shape[2:]), image.dtype)


def _some_at_a_time(image: Array, count: int) -> Iterator[slice]:
    """Go over the images, `count` at a time."""
    for first in range(0, len(image), count):
        yield slice(first, first + count)
