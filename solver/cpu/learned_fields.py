"""The fields of a layer in training: ReLU(BatchNorm(3 x 3 convolution of each channel)), and their gradients.

    y = w * I,    F = ReLU(gamma (y - mean) / sqrt(var + eps) + beta),    mean and var over the batch

n filters for each of C channels, zeros around I. Nothing of y is kept: it is made again wherever it is needed, because
nine products from a plane in the first-level cache take less time than a number from memory. I is read twice and F
written once; backward I and the gradient of F are read twice, and that of I is written.

S. Ioffe and C. Szegedy, "Batch Normalization", ICML 2015, arXiv:1502.03167.
"""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np

from solver.cpu import field_passes
from solver.cpu.convolution import TAPS
from solver.cpu.targets import STREAM
from solver.cpu.threads import Team, own_team, share
from solver.records import Array


class Moments(NamedTuple):
    """Of y over the batch, float64, (C, n) each."""

    mean: Array
    variance: Array
    "the mean square deviation, not Bessel's"


class Norm(NamedTuple):
    """A BatchNorm's numbers, (C, n) each: what y is shifted by, 1 / sqrt(var + eps), gamma and beta."""

    mean: Array
    inverse: Array
    gamma: Array
    beta: Array


class Gradients(NamedTuple):
    """Of what the fields are made of; that of the image is None if it is not wanted."""

    image: Array | None
    filters: Array
    gamma: Array
    beta: Array


def moments(image: Array, filters: Array, team: Team | None = None) -> Moments:
    """Return mean and variance of y for `image`, (N, C, rows, columns), and `filters`, (C, n, 9), both contiguous.

    Each plane has its mean subtracted before anything is squared; planes are joined in double precision.
    """
    found = _per_plane(image, filters, 2)
    _run(field_passes.moments, (found.reshape(-1),), image, filters, team)
    means, squares = (found[..., k].astype(np.float64) for k in range(2))
    cells, mean = prod(image.shape[2:]), means.mean(0)
    total = squares.sum(0) + cells * np.square(means - mean).sum(0)
    return Moments(mean, total / (cells * image.shape[0]))


def values(out: Array, image: Array, filters: Array, norm: Norm, team: Team | None = None) -> None:
    """Write the fields into `out`, (N, C, n, rows, columns)."""
    scale = norm.gamma * norm.inverse
    folded = (filters * scale[..., None]).astype(image.dtype)
    shifts = (norm.beta - norm.mean * scale).astype(image.dtype)
    _run(field_passes.values, (out.reshape(-1), shifts.reshape(-1), out.nbytes >= STREAM), image, folded, team)


def pull_back(
    gradient: Array,
    image: Array,
    filters: Array,
    norm: Norm,
    of_image: bool,
    team: Team | None = None,
    onto: Array | None = None,
) -> Gradients:
    """Return the gradients for that of the fields, (N, C, n, rows, columns); mean and variance depend on the image.

    That of the image is added to what is in `onto`, contiguous, if that is given.
    """
    count = image.size // image.shape[1]  # numbers that a mean is over
    sums = _per_plane(image, filters, 2)
    scale = norm.gamma * norm.inverse
    numbers = _numbers(image, scale, norm.beta - norm.mean * scale, norm.mean)
    _run(field_passes.sums, (sums.reshape(-1), gradient.reshape(-1), numbers), image, filters, team)
    of_beta, of_product = (sums[..., k].astype(np.float64).sum(0) for k in range(2))
    # dL/dy = scale (g - mean of g - (y - mean) inverse^2 (mean of g (y - mean)))
    slope, level = scale * norm.inverse**2 * of_product / count, scale * of_beta / count
    numbers = _numbers(image, scale, norm.beta - norm.mean * scale, norm.mean, slope, level)
    of_filters = _per_plane(image, filters, TAPS)
    made = np.empty(image.shape if of_image else (0,), image.dtype) if onto is None else onto
    arguments = (made.reshape(-1), onto is not None and of_image, of_filters.reshape(-1), gradient.reshape(-1), numbers)
    _run(field_passes.gradients, arguments, image, filters, team)
    return Gradients(
        made if of_image else None,
        of_filters.astype(np.float64).sum(0).astype(image.dtype),
        (of_product * norm.inverse).astype(image.dtype),
        of_beta.astype(image.dtype),
    )


def _per_plane(image: Array, filters: Array, numbers: int) -> Array:
    """Allocate so many numbers for each plane and field."""
    return np.empty((*image.shape[:2], filters.shape[1], numbers), image.dtype)


def _numbers(image: Array, *of_fields: Array) -> Array:
    """Return the numbers of each field together, in the dtype of the image, flat."""
    return np.stack(of_fields, -1).astype(image.dtype).reshape(-1)


def _run(kernel: Any, arguments: tuple[Any, ...], image: Array, filters: Array, team: Team | None) -> None:
    """Go over the planes of an image."""
    planes, fields = prod(image.shape[:2]), filters.shape[1]
    shape = (image.shape[1], fields, *image.shape[2:])
    team = (team or own_team()).for_work(image.size * fields)
    share(kernel, (*arguments, image.reshape(-1), filters.reshape(-1), shape), planes, team)
