"""A layer in training, from its input I to H[K] and back, that keeps nothing but I in between.

    F = ReLU(BatchNorm(3 x 3 convolutions of I)),    H[K] of the equation with the fields F, H[0] = H[-1] = f = I

The fields are four times as large as I, and nine products each. Forward they are made some images at a time, in a room
that caches hold, and forgotten; backward they are made again, as a whole: their norm's adjoint needs two means over the
gradients of all images, and going some images at a time, with these subtracted at the end, took half as long again.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Final, NamedTuple

from solver import cpu
from solver.cpu import learned_fields
from solver.cpu.layer import Parts
from solver.cpu.learned_fields import Gradients, Norm
from solver.cpu.pullback import adjoint_stacked_into
from solver.cpu.targets import aligned
from solver.cpu.threads import Team
from solver.cpu.workspace import workspace
from solver.records import Array, Mesh

ROOM: Final = 1 << 23  # bytes of the fields of some images: measured, 4 to 16 MB are alike


class Equation(NamedTuple):
    """What is made of the fields."""

    parts: Parts
    mesh: Mesh
    steps: int


def forward(out: Array, image: Array, filters: Array, norm: Norm, equation: Equation, team: Team | None = None) -> None:
    """Write H[K] for `image`, (N, C, rows, columns), into `out`; both contiguous, `filters` (C, n, 9)."""
    for some in _some_at_a_time(image, filters):
        fields = _room("fields", image[some], filters)
        learned_fields.values(fields, image[some], filters, norm, team)
        inputs = equation.parts.arrays(image[some], fields)
        cpu.forward_into(out[some], inputs, equation.mesh, equation.steps, team)


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
    parts, mesh, steps = equation
    fields, of_fields = _room("fields", image, filters), _room("their gradient", image, filters)
    learned_fields.values(fields, image, filters, norm, team)
    by_equation = aligned(image.shape if of_image else (0,), image.dtype)
    inputs = parts.arrays(image, fields)
    adjoint_stacked_into(by_equation, of_fields, cotangent, inputs, parts.names, mesh, steps, parts.joined, team)
    return learned_fields.pull_back(of_fields, image, filters, norm, of_image, team, onto=by_equation)


def _room(name: str, image: Array, filters: Array) -> Array:
    """Return room for the fields of some images, (N, C, n, rows, columns)."""
    shape = (*image.shape[:2], filters.shape[1], *image.shape[2:])
    return workspace(name, shape, image.dtype)


def _some_at_a_time(image: Array, filters: Array) -> Iterator[slice]:
    """Go over the images, as many at a time as `ROOM` holds the fields of, one at least."""
    count = max(1, ROOM // max(1, image.itemsize * filters.shape[1] * prod(image.shape[1:])))
    for first in range(0, len(image), count):
        yield slice(first, first + count)
