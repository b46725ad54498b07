"""A layer in training, from its input I to H[K] and back, that keeps nothing but I in between.

    F = ReLU(BatchNorm(3 x 3 convolutions of I)),    H[K] of the equation with the fields F, H[0] = H[-1] = f = I

The fields are four times as large as I, and nine products each: they are made, forward and backward, for as many planes
at a time as a cache holds, and forgotten. The norm's adjoint needs two means over the gradients of all images; what
comes of these is added in a second pass, which needs I alone: see `solver.cpu.field_gradients`.
"""

from __future__ import annotations

from math import prod
from typing import Any, Final, NamedTuple

import numpy as np

from solver import cpu
from solver.cpu import layer_adjoint, layer_forward, learned_fields
from solver.cpu.course import CACHED, SHARED
from solver.cpu.layer import Parts
from solver.cpu.layer_groups import OF_CONSTANT, OF_IMAGE, OF_ZERO, Learned, Scheme
from solver.cpu.layout import Extent, writable
from solver.cpu.learned_fields import Gradients, Norm
from solver.cpu.small import is_small
from solver.cpu.targets import aligned
from solver.cpu.threads import Team, own_team, share
from solver.cpu.transposing import LANES
from solver.records import Array, Inputs, Mesh, Ratios

GROUP: Final = 1 << 18  # bytes of the fields of a group of planes: measured, 2^16 and 2^20 are slower
ROOM: Final = 1 << 23  # bytes of the fields of some images, where planes are too large or too few for groups


class Equation(NamedTuple):
    """What is made of the fields."""

    parts: Parts
    mesh: Mesh
    steps: int


def forward(out: Array, image: Array, filters: Array, norm: Norm, equation: Equation, team: Team | None = None) -> None:
    """Write H[K] for `image`, (N, C, rows, columns), into `out`; both contiguous, `filters` (C, n, 9)."""
    cells, planes, steps = prod(image.shape[2:]), prod(image.shape[:2]), equation.steps
    team = _team(image, filters, equation, team)
    if steps == 0:
        out[...] = image
    elif cells > CACHED or (planes < team.size and cells > SHARED):
        _forward_by_images(out, image, filters, norm, equation, team)
    else:
        choice: bool | None = None
        kernel = layer_forward.step_groups if steps == 1 else layer_forward.flat_groups
        if is_small(image.shape, steps):
            kernel, choice = layer_forward.packed_groups, None if steps == 1 else True
        learned, scheme = _learned(image, filters, norm, team), _scheme(image, equation, choice)
        _run(kernel, (out.reshape(-1), learned, scheme), learned, team)


def pull_back(
    cotangent: Array,
    image: Array,
    filters: Array,
    norm: Norm,
    equation: Equation,
    of_image: bool,
    team: Team | None = None,
) -> Gradients:
    """Return the gradients of image, filters, gamma and beta for that of H[K], `cotangent`, contiguous."""
    steps, joined, team = equation.steps, equation.parts.joined, _team(image, filters, equation, team)
    made = aligned(image.shape if of_image else (0,), image.dtype)
    if steps == 0:
        made[...] = cotangent if of_image else 0
        return Gradients(
            made if of_image else None, *(np.zeros_like(a, image.dtype) for a in (filters, norm.gamma, norm.beta))
        )
    ratios, small = Ratios.of(equation.mesh, image.dtype), is_small(image.shape, steps, adjoint=True)
    published = not (ratios.velocity_share or ratios.diffusivity_share)
    kernel, choice = layer_adjoint.pull_flat, None if published else True
    if published and steps == 1:
        kernel = layer_adjoint.pull_packed_step if small else layer_adjoint.pull_step
        choice = True if of_image and joined[1] and joined[2] else None
    elif published and small:
        kernel = layer_adjoint.pull_packed
    learned, scheme = _learned(image, filters, norm, team), _scheme(image, equation, choice, keep_shares=not published)
    found = learned_fields.sums_of(image, filters)
    targets = _targets(scheme, of_image, joined, prod(image.shape[2:]), filters.shape[1])
    arguments = (made.reshape(-1), found.reshape(-1), writable(cotangent.reshape(-1)), targets, learned, scheme)
    _run(kernel, arguments, learned, team)
    return learned_fields.finish(made, found, image, filters, norm, team)


def _learned(image: Array, filters: Array, norm: Norm, team: Team) -> Learned:
    """Describe the planes of an image, and how many are a group: enough groups for all threads, whole packs."""
    n, cells, planes = filters.shape[1], prod(image.shape[2:]), prod(image.shape[:2])
    group = max(1, min(GROUP // (image.itemsize * n * cells), planes // max(1, team.pieces)))
    if is_small(image.shape, 2):
        group = -(-group // LANES) * LANES
    folded, shifts = learned_fields.folded_into(filters, norm)
    shape = (image.shape[1], n, image.shape[2], image.shape[3])
    return Learned(writable(image.reshape(-1)), folded.reshape(-1), shifts, norm.centres, shape, planes, group)


def _scheme(image: Array, equation: Equation, choice: Any, keep_shares: bool = False) -> Scheme:
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
        ratios if keep_shares else ratios.pruned(),
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
    size = image.itemsize * filters.shape[1] * prod(image.shape[1:])
    count = min(max(1, ROOM // size), len(image))
    room = aligned((count, image.shape[1], filters.shape[1], *image.shape[2:]), image.dtype)
    for first in range(0, len(image), count):
        some = slice(first, first + count)
        fields = room[: len(image[some])]
        learned_fields.values(fields, image[some], filters, norm, team)
        inputs = equation.parts.arrays(image[some], fields)
        cpu.forward_into(out[some], inputs, equation.mesh, equation.steps, team)
