"""The fields of a layer in training: ReLU(BatchNorm(3 x 3 convolution of each channel)), and their gradients.

    y = w * I,    F = ReLU(gamma (y - mean) / sqrt(var + eps) + beta),    mean and var over the batch

n filters for each of C channels, zeros around I. Nothing of y is kept: it is made again wherever it is needed, because
nine products from a plane in the first-level cache take less time than a number from memory. Mean and variance, and the
filters' share of what comes of them backward, follow from the image's autocorrelation (`solver.cpu.autocorrelation`).
I is read twice and F written once; backward the gradient of F is read once, I twice, and that of I is written, read and
written.

S. Ioffe and C. Szegedy, "Batch Normalization", ICML 2015, arXiv:1502.03167.
"""

from __future__ import annotations

from math import prod
from typing import Any, Final, NamedTuple

import numpy as np

from solver.cpu import field_gradients, field_passes
from solver.cpu.by_cell import Order, with_channels_last
from solver.cpu.composite import add_composite, composite
from solver.cpu.surroundings import Surroundings, surroundings
from solver.cpu.targets import STREAM, aligned
from solver.cpu.threads import Team, own_team, share
from solver.records import Array

IMAGES: Final = 16  # of a batch, by which is judged whether its channels lie far from zero
AS_FIELDS: Final = 3  # a pass over the image, 13 products of doubles or of sums, costs as much as so many fields
FAR: Final = 4  # standard deviations of a channel's mean from zero: nearer, no more than a digit is lost


class Moments(NamedTuple):
    """Of y over the batch, float64, (C, n) each."""

    mean: Array
    variance: Array
    "the mean square deviation, not Bessel's"
    centres: Array
    "(C,), in the dtype of the image, or empty: see `centres_of`"
    around: Surroundings


class Norm(NamedTuple):
    """A BatchNorm's numbers, (C, n) each: what y is shifted by, 1 / sqrt(var + eps), gamma and beta.

    Beside them what the batch is to them: centres and surroundings.
    """

    mean: Array
    inverse: Array
    gamma: Array
    beta: Array
    centres: Array
    around: Surroundings

    @property
    def scale(self) -> Array:
        """What y - mean is multiplied by."""
        return self.gamma * self.inverse


class Gradients(NamedTuple):
    """Of what the fields are made of; that of the image is None if it is not wanted."""

    image: Array | None
    filters: Array
    gamma: Array
    beta: Array


@np.errstate(invalid="ignore", over="ignore")  # what is not finite is seen in the result
def moments(image: Array, filters: Array, team: Team | None = None) -> Moments:
    """Return mean and variance of y for `image`, (N, C, rows, columns), and `filters`, (C, n, 9).

    The image is contiguous, or its channels are last; the filters are contiguous.
    """
    centres, count = centres_of(image), image.size // image.shape[1]
    around = surroundings(image, centres, (team or own_team()).for_work(image.size * AS_FIELDS))
    mean, w = around.sum_of(filters) / count, filters.astype(np.float64)
    squares = (around.products_with(w) * w).sum(-1) / count
    variance = np.maximum(squares - np.square(mean), 0)
    return Moments(mean + _of_centres(centres, filters), variance, centres, around)


def values(out: Array, image: Array, filters: Array, norm: Norm, team: Team | None = None) -> None:
    """Write the fields into `out`, (N, C, n, rows, columns)."""
    folded, shifts = folded_into(filters, norm)
    _run(field_passes.values, (out.reshape(-1), shifts, out.nbytes >= STREAM, norm.centres), image, folded, team)


@np.errstate(invalid="ignore", over="ignore")  # what is not finite is seen in the result
def centres_of(image: Array) -> Array:
    """Return a number for each channel near those of the image, where these lie far from zero, and zero elsewhere.

    It is subtracted before anything is multiplied, the border's zeros included, which leaves every deviation from a
    mean as it is: otherwise sums over a plane lose the digits that mean and deviation lie apart. Judged by the middle
    rows of some images. Nothing is returned where no channel is far.
    """
    rows = np.ascontiguousarray(image[:: -(-len(image) // IMAGES), :, image.shape[2] // 2])
    mean = rows.mean((0, 2))
    squares = np.einsum("ncj,ncj->c", rows, rows) / (rows.size // rows.shape[1])
    far = np.square(mean) > FAR**2 * (squares - np.square(mean))
    centres: Array = np.where(far, mean, 0).astype(image.dtype)
    return centres if centres.any() else centres[:0]


def _of_centres(centres: Array, filters: Array) -> Any:
    """Return y of an image of nothing but these, (C, n), in double precision."""
    return centres[:, None] * filters.sum(-1, dtype=np.float64) if centres.size else 0.0


def folded_into(filters: Array, norm: Norm) -> tuple[Array, Array]:
    """Return filters, and shifts, flat, that make the norm's output of the image less the centres."""
    scale = norm.scale
    folded, shifts = filters * scale[..., None], norm.beta + (_of_centres(norm.centres, filters) - norm.mean) * scale
    return folded.astype(filters.dtype), shifts.astype(filters.dtype).reshape(-1)


def pull_back(
    gradient: Array, image: Array, filters: Array, norm: Norm, of_image: bool, team: Team | None = None
) -> Gradients:
    """Return the gradients for that of the fields, (N, C, n, rows, columns); mean and variance depend on the image."""
    made, found = aligned(image.shape if of_image else (0,), image.dtype), sums_of(image, filters)
    begin(made, False, found, gradient, image, filters, norm, team)
    return finish(made, found, image, filters, norm, team)


def begin(
    made: Array,
    adds: bool,
    found: Array,
    gradient: Array,
    image: Array,
    filters: Array,
    norm: Norm,
    team: Team | None = None,
) -> None:
    """Make the first pass: write its sums into `found`, and what the image has of it into `made`, or add it there."""
    folded, shifts = folded_into(filters, norm)
    arguments = (made.reshape(-1), adds, found.reshape(-1), gradient.reshape(-1), shifts, norm.centres)
    _run(field_gradients.first_pass, arguments, image, folded, team)


def sums_of(image: Array, filters: Array) -> Array:
    """Allocate what the first pass of the gradients sums."""
    return _per_plane(image, filters, field_gradients.SUMS)


@np.errstate(invalid="ignore", over="ignore")  # what is not finite is seen in the result
def finish(made: Array, found: Array, image: Array, filters: Array, norm: Norm, team: Team | None = None) -> Gradients:
    """Return the gradients after the first pass: `found` are its sums, `made` what the image has of it, or empty.

    `made` is contiguous; the gradient of the image lies as `image` does.

    dL/dy = scale (g - mean of g - (y - mean) inverse^2 (mean of g (y - mean))) is scale g and a rest, linear in y.
    """
    count = image.size // image.shape[1]  # numbers that a mean is over
    total, w, around = found.sum(0), filters.astype(np.float64), norm.around
    of_beta, of_taps, scale = total[..., 0], total[..., 1:], norm.scale
    level_of_y = _of_centres(norm.centres, filters) - norm.mean
    of_product = (w * of_taps).sum(-1) + level_of_y * of_beta
    slope = -scale * norm.inverse**2 * of_product / count
    level = slope * level_of_y - scale * of_beta / count
    rest = slope[..., None] * around.products_with(w) + level[..., None] * around.sums[:, None]
    if made.size:
        team = (team or own_team()).for_work(image.size * AS_FIELDS)
        order, out = Order.of(image, team), made
        if order.by_cell:
            out = with_channels_last(aligned((image.size,), image.dtype), image.shape)
        numbers = composite(w, slope, level, norm.centres).astype(image.dtype)
        arguments = (order.flat(out), made.reshape(-1), numbers.reshape(-1), norm.centres, order.flat(image))
        share(add_composite, (*arguments, image.shape[1:], order), order.parts(prod(image.shape[:2])), team)
        made = out
    return Gradients(
        made if made.size else None,
        (scale[..., None] * of_taps + rest).astype(image.dtype),
        (of_product * norm.inverse).astype(image.dtype),
        of_beta.astype(image.dtype),
    )


def _per_plane(image: Array, filters: Array, numbers: int) -> Array:
    """Allocate so many numbers in double precision for each plane and field."""
    return np.empty((*image.shape[:2], filters.shape[1], numbers), np.float64)


def _run(kernel: Any, arguments: tuple[Any, ...], image: Array, filters: Array, team: Team | None) -> None:
    """Go over the planes of an image."""
    planes, fields = prod(image.shape[:2]), filters.shape[1]
    shape = (image.shape[1], fields, *image.shape[2:])
    team = (team or own_team()).for_work(image.size * fields)
    share(kernel, (*arguments, image.reshape(-1), filters.reshape(-1), shape), planes, team)
