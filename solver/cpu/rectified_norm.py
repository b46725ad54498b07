"""BatchNorm and the ReLU behind it, with something added between them or not, forward and backward.

    y = ReLU(z),    z = scale x + shift + s,    scale = gamma / sqrt(variance + eps),    shift = beta - scale mean

mean and variance of each channel over the batch. With g the gradient of z, that of y where z > 0, and n numbers a
channel,

    gradient of s = g,    of beta = sum g,    of gamma = sum g (x - mean) / sqrt(variance + eps)
    gradient of x = scale (g - sum g / n - (x - mean) / (variance + eps) sum g (x - mean) / n)

The mean of each plane and the squares of deviations from it are taken while it is in a first-level cache, joined in
double precision, always in the same order. x is read twice forward and y written once; backward x and the gradient of y
are read twice and that of x written once, z is made again. With s backward y is read in place of z, and g written and
read. Before, norm and ReLU went over memory by themselves, and kept one result more.

S. Ioffe and C. Szegedy, "Batch Normalization", ICML 2015, arXiv:1502.03167; T. F. Chan, G. H. Golub and R. J. LeVeque,
Am. Stat. 37 (1983) 242-247, doi:10.1080/00031305.1983.10483115 (joining sums of squares).
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

import numpy as np

from solver.cpu import norm_passes
from solver.cpu.targets import aligned
from solver.cpu.threads import Team, own_team, share
from solver.records import Array

PASSES = 2  # over a number forward, and back: what a thread is woken for


class Norm(NamedTuple):
    """A norm's numbers, (C,) each, float64."""

    mean: Array
    inverse: Array
    "1 / sqrt(variance + eps)"
    gamma: Array
    beta: Array

    @classmethod
    def of(cls, mean: Array, variance: Array, gamma: Array, beta: Array, eps: float) -> Norm:
        """Describe a norm with these statistics."""
        with np.errstate(invalid="ignore"):  # what is not finite is seen in the result
            return cls(mean, 1 / np.sqrt(variance + eps), gamma, beta)

    @property
    def scale(self) -> Array:
        """What x is multiplied by."""
        return self.gamma * self.inverse

    @property
    def shift(self) -> Array:
        """What is added to it."""
        shift: Array = self.beta - self.scale * self.mean
        return shift


class Gradients(NamedTuple):
    """Of x, gamma, beta and what is added; None: not wanted, or nothing is."""

    x: Array | None
    gamma: Array
    beta: Array
    shortcut: Array | None


@np.errstate(invalid="ignore", over="ignore")  # what is not finite is seen in the result
def moments(x: Array, team: Team | None = None) -> tuple[Array, Array]:
    """Return mean and variance, not Bessel's, of each channel of `x`, (N, C, rows, columns), contiguous."""
    cells, planes = prod(x.shape[2:]), prod(x.shape[:2])
    means, squares = np.empty((2, *x.shape[:2]))
    share(norm_passes.moments, (means.reshape(-1), squares.reshape(-1), x.reshape(-1), cells), planes, _team(x, team))
    mean = means.mean(0)
    variance = squares.sum(0) / (len(x) * cells) + np.square(means - mean).mean(0)
    return mean, np.maximum(variance, 0)


@np.errstate(invalid="ignore", over="ignore")
def rectify(out: Array, x: Array, shortcut: Array | None, norm: Norm, team: Team | None = None) -> None:
    """Write y into `out`; all arrays are contiguous, of the shape and dtype of `x`."""
    scales, shifts = norm.scale.astype(x.dtype), norm.shift.astype(x.dtype)
    arguments = (out.reshape(-1), x.reshape(-1), _flat(shortcut), scales, shifts, prod(x.shape[2:]))
    share(norm_passes.rectify, arguments, prod(x.shape[:2]), _team(x, team))


@np.errstate(invalid="ignore", over="ignore")
def pull_back(
    gradient: Array, x: Array, out: Array | None, norm: Norm, of_image: bool = True, team: Team | None = None
) -> Gradients:
    """Return the gradients for that of y, where mean and variance are those of x; `out` is y if something was added."""
    cells, planes, team = prod(x.shape[2:]), prod(x.shape[:2]), _team(x, team)
    scales, shifts, means = (a.astype(x.dtype) for a in (norm.scale, norm.shift, norm.mean))
    totals, found = np.empty((2, *x.shape[:2]))
    of_z = gradient if out is None else aligned(x.shape, x.dtype)
    written = None if out is None else of_z.reshape(-1)
    flat = gradient.reshape(-1), x.reshape(-1), _flat(out)
    arguments = (totals.reshape(-1), found.reshape(-1), written, *flat, scales, shifts, means, cells)
    share(norm_passes.products, arguments, planes, team)

    of_beta, of_product, count = totals.sum(0), found.sum(0), len(x) * cells
    of_gamma, added = (of_product * norm.inverse).astype(x.dtype), None if out is None else of_z
    if not of_image:
        return Gradients(None, of_gamma, of_beta.astype(x.dtype), added)
    levels = (norm.scale * of_beta / count).astype(x.dtype)
    slopes = (norm.scale * norm.inverse**2 * of_product / count).astype(x.dtype)
    of_x, numbers = aligned(x.shape, x.dtype), (scales, shifts, means, levels, slopes)
    rectifies = True if out is None else None
    share(norm_passes.pull, (of_x.reshape(-1), of_z.reshape(-1), flat[1], rectifies, *numbers, cells), planes, team)
    return Gradients(of_x, of_gamma, of_beta.astype(x.dtype), added)


def _flat(array: Array | None) -> Array | None:
    return None if array is None else array.reshape(-1)


def _team(x: Array, team: Team | None) -> Team:
    return (team or own_team()).for_work(x.size * PASSES)
