"""BatchNorm and the ReLU behind it, with something added between them or not, forward and backward.

    y = ReLU(z),    z = scale x + shift + s,    scale = gamma / sqrt(variance + eps),    shift = beta - scale mean

mean and variance of each channel over the batch. With g the gradient of z, that of y where z > 0, and n numbers a
channel,

    gradient of s = g,    of beta = sum g,    of gamma = sum g (x - mean) / sqrt(variance + eps)
    gradient of x = scale (g - sum g / n - (x - mean) / (variance + eps) sum g (x - mean) / n)

The mean of each plane, or of a block of cells where the channels lie side by side, and the squares of deviations from
it are taken while it is in a first-level cache, and joined in double precision, always in the same order. x is read
twice forward and y written once; backward x and the gradient of y are read twice and that of x written once, z is made
again. With s backward y is read in place of z, and g written and read.

S. Ioffe and C. Szegedy, "Batch Normalization", ICML 2015, arXiv:1502.03167; T. F. Chan, G. H. Golub and R. J. LeVeque,
Am. Stat. 37 (1983) 242-247, doi:10.1080/00031305.1983.10483115 (joining sums of squares).
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from solver.cpu import norm_passes, norm_passes_by_cell
from solver.cpu.norm_joins import join_moments, join_products, make_numbers
from solver.cpu.norm_passes_by_cell import Blocks
from solver.cpu.targets import aligned
from solver.cpu.threads import Team, own_team, share
from solver.records import Array

PASSES = 2  # over a number forward, and back: what a thread is woken for
TILE, BLOCK = 64, 4096  # numbers, or a little more: of a loop, and of a sum in single precision
CELLS = 64  # of a block at least: sums are few beside the image, however many channels there are


class Norm(NamedTuple):
    """A norm's numbers, those in double precision (C,) each."""

    gamma: Array
    "in the dtype of the image"
    inverse: Array
    "1 / sqrt(variance + eps)"
    numbers: Array
    "rows of scales, shifts and means in the dtype of the image, once for each place that a pass tells apart"

    @classmethod
    def of(cls, x: Array, mean: Array, variance: Array, gamma: Array, beta: Array, eps: float) -> Norm:
        """Describe a norm with these statistics, for images like `x`."""
        inverse, numbers = np.empty(mean.size), np.empty((3, mean.size * Cut.of(x.shape).repeat), x.dtype)
        make_numbers(inverse, numbers, mean, variance, gamma, beta, eps)
        return cls(gamma, inverse, numbers)


class Gradients(NamedTuple):
    """Of x, gamma, beta and what is added; None: not wanted, or nothing is."""

    x: Array | None
    gamma: Array
    beta: Array
    shortcut: Array | None


class Cut(NamedTuple):
    """How images of a shape are cut into parts whose sums are taken apart, and what goes over them."""

    passes: Any
    "module of the kernels"
    extent: Any
    "what they know of a part"
    units: int
    "what they are called for: planes, or blocks of cells"
    parts: int
    "each has numbers of all channels"
    size: int
    "numbers of a channel in a part"
    total: int
    "and in the image"
    channels: int
    repeat: int
    "so many times the kernels take the numbers of the channels"

    @classmethod
    @lru_cache
    def of(cls, shape: tuple[int, ...]) -> Cut:
        """Cut images (N, C, rows, columns) into planes, and (cells, C) into blocks of cells."""
        if len(shape) == 4:
            (N, C), cells = shape[:2], prod(shape[2:])
            return cls(norm_passes, cells, N * C, N, cells, N * cells, C, 1)
        cells, C = shape
        repeat = -(-TILE // C)
        some = max(repeat * (BLOCK // (repeat * C)), -(-CELLS // repeat) * repeat)
        blocks = -(-cells // some)
        extent = Blocks(some * C, repeat * C, C, cells * C)
        return cls(norm_passes_by_cell, extent, blocks, blocks, some, cells, C, repeat)

    def sums(self) -> Array:
        """Allocate two sums for each part and channel."""
        return np.empty((2, self.parts, self.channels))

    def share(self, kernel: Any, *arguments: Any, team: Team) -> None:
        """Go over all parts."""
        share(kernel, (*arguments, self.extent), self.units, team)


def moments(x: Array, team: Team | None = None) -> tuple[Array, Array]:
    """Return mean and variance, not Bessel's, of the channels of (N, C, rows, columns) or (cells, C), contiguous."""
    cut = Cut.of(x.shape)
    means, squares = cut.sums()
    cut.share(cut.passes.moments, means.reshape(-1), squares.reshape(-1), x.reshape(-1), team=_team(x, team))
    mean, variance = np.empty((2, cut.channels))
    join_moments(mean, variance, means, squares, cut.size, cut.total)
    return mean, variance


def rectify(out: Array, x: Array, shortcut: Array | None, norm: Norm, team: Team | None = None) -> None:
    """Write y into `out`; all arrays are contiguous, of the shape and dtype of `x`."""
    cut, (scales, shifts, _) = Cut.of(x.shape), norm.numbers
    cut.share(cut.passes.rectify, out.reshape(-1), x.reshape(-1), _flat(shortcut), scales, shifts, team=_team(x, team))


def pull_back(
    gradient: Array, x: Array, out: Array | None, norm: Norm, of_image: bool = True, team: Team | None = None
) -> Gradients:
    """Return the gradients for that of y, where mean and variance are those of x; `out` is y if something was added."""
    cut, team, (scales, shifts, means) = Cut.of(x.shape), _team(x, team), norm.numbers
    totals, products = cut.sums()
    source, given = x.reshape(-1), gradient.reshape(-1)
    added = None if out is None else aligned(x.shape, x.dtype)
    to = totals.reshape(-1), products.reshape(-1), _flat(added)
    cut.share(cut.passes.products, *to, given, source, _flat(out), scales, shifts, means, team=team)

    of_gamma, of_beta = np.empty((2, cut.channels), x.dtype)
    levels, slopes = numbers = np.empty((2, scales.size), x.dtype)
    join_products(of_gamma, of_beta, numbers, totals, products, norm.inverse, norm.gamma, cut.total)
    of_x = aligned(x.shape, x.dtype) if of_image else None
    if of_x is not None:
        of_z, rectifies = (given, True) if added is None else (added.reshape(-1), None)
        to_x = of_x.reshape(-1), of_z, source, rectifies
        cut.share(cut.passes.pull, *to_x, scales, shifts, means, levels, slopes, team=team)
    return Gradients(of_x, of_gamma, of_beta, added)


def _flat(array: Array | None) -> Array | None:
    return None if array is None else array.reshape(-1)


def _team(x: Array, team: Team | None) -> Team:
    return (team or own_team()).for_work(x.size * PASSES)
