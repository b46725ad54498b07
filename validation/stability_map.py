"""Stability with constant coefficients: brute force over all angles, and time stepping from noise.

Brute force solves the amplification quadratic at many angles (`solver.amplification`); it knows nothing of the closed
criterion A_x^2 / w_x + A_y^2 / w_y <= 1 of `solver.stability`, which is what it is compared with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from solver import RAW, backends, stability
from solver.amplification import roots
from solver.records import Fields, Filter, Levels, Mesh
from validation.problems.base import Field

#: A largest modulus up to 1 + this counts as stable: a double root of modulus 1 errs by the root of epsilon.
ROUNDING = 1e-7

AT_ONCE = 16  # angles whose roots are held in memory together


class MeshPoint(NamedTuple):
    """The mesh numbers of one constant-coefficient case."""

    A_x: Any
    A_y: Any
    B_x: Any
    B_y: Any


def sample_angles(fine: bool = False) -> Field:
    """Return pairs (a, b), (n, 2): a uniform grid, and rings about 0, where growth sets in first.

    Half of the plane is enough: (-a, -b) gives the conjugate roots. The limit found is too large by about the square of
    the smallest ring's radius: 0.05, or 0.02 if ``fine``.
    """
    across, up = np.linspace(-np.pi, np.pi, 24, endpoint=False), np.linspace(0, np.pi, 13)
    uniform = np.stack(np.meshgrid(across, up, indexing="ij"), axis=-1).reshape(-1, 2)
    smallest, directions = (0.02, 360) if fine else (0.05, 90)
    radius, direction = np.geomspace(smallest, 1.0, 4), np.linspace(0, np.pi, directions, endpoint=False)
    ring = np.stack([np.cos(direction), np.sin(direction)], axis=-1)
    return np.concatenate([uniform, (radius[:, None, None] * ring).reshape(-1, 2)])


def grid_angles(shape: tuple[int, int]) -> Field:
    """Return the pairs (a, b), (n, 2), of the modes of a periodic grid of ``shape``, the mean left out."""
    a, b = (2 * np.pi * np.arange(n) / n for n in shape)
    return np.stack(np.meshgrid(a, b, indexing="ij"), axis=-1).reshape(-1, 2)[1:]


def largest_growth(point: MeshPoint, angles: Field) -> Field:
    """Return the largest root modulus over ``angles``, of the shape that the mesh numbers broadcast to."""
    A_x, A_y, B_x, B_y = (np.asarray(number)[..., None] for number in point)
    largest = np.zeros(np.broadcast_shapes(*(np.shape(number) for number in point)))
    for first in range(0, len(angles), AT_ONCE):
        some = angles[first : first + AT_ONCE]
        np.maximum(largest, np.abs(roots(A_x, A_y, B_x, B_y, some[:, 0], some[:, 1])).max(axis=(0, -1)), out=largest)
    return largest


def stability_number(point: MeshPoint) -> Any:
    """Return what the solver computes for the mesh numbers, in their shape; it calls up to 1 stable."""
    return stability.stability_of(*(np.asarray(number, dtype=float) for number in point))


@dataclass(frozen=True)
class StabilityMap:
    """Brute force and closed criterion over a quadrant of (A_x, A_y), at one pair of diffusion numbers.

    Parameters
    ----------
    B
        (B_x, B_y).
    A
        Values along both axes, (n,).
    growth
        Brute-force largest modulus, (n, n), A_x along the rows.
    closed
        Stability number of the solver, (n, n); the criterion calls a point stable up to 1.
    """

    B: tuple[float, float]
    A: Field
    growth: Field
    closed: Field

    @property
    def stable(self) -> NDArray[np.bool_]:
        """Where brute force finds no growth, (n, n)."""
        return self.growth <= 1 + ROUNDING

    @property
    def disagreements(self) -> int:
        """Points where the two verdicts differ, those within 1 % of the criterion's limit left out."""
        decided = abs(self.closed - 1) > 0.01
        return int(np.sum(decided & (self.stable != (self.closed <= 1))))

    @property
    def misjudged_by_sum(self) -> int:
        """Points that grow although |A_x| + |A_y| <= 1."""
        return int(np.sum(~self.stable & (self.A[:, None] + self.A <= 1)))


def stability_map(B: tuple[float, float], points: int = 49, reach: float = 1.2) -> StabilityMap:
    """Map [0, reach] x [0, reach] with ``points`` values each way."""
    A = np.linspace(0, reach, points)
    A_x, A_y = np.meshgrid(A, A, indexing="ij")
    point = MeshPoint(A_x, A_y, *B)
    return StabilityMap(B, A, largest_growth(point, sample_angles()), stability_number(point))


def brute_force_limit(B: tuple[float, float], directions: Field, angles: Field) -> Field:
    """Return the radius in the (A_x, A_y) plane at which growth starts at some of the ``angles``, (n,), by bisection.

    ``directions`` are angles from the A_x axis, in radians, (n,).
    """
    low, high = np.zeros_like(directions), np.full_like(directions, 2.0)
    for _ in range(24):
        middle = (low + high) / 2
        point = MeshPoint(middle * np.cos(directions), middle * np.sin(directions), *B)
        stable = largest_growth(point, angles) <= 1 + ROUNDING
        low, high = np.where(stable, middle, low), np.where(stable, high, middle)
    return low


@dataclass(frozen=True)
class NoiseRun:
    """Time stepping from noise at constant coefficients.

    Parameters
    ----------
    point
        Mesh numbers.
    steps
        Step numbers at which the size was measured, (n,).
    log_size
        Natural logarithm of the root mean square of H over that of the initial noise, (n,).
    predicted
        Largest root modulus over the modes of the grid.
    """

    point: MeshPoint
    steps: NDArray[np.int_]
    log_size: Field
    predicted: float

    @property
    def measured(self) -> float:
        """Growth of a step, fitted over the second half of the run."""
        half = len(self.steps) // 2
        slope = np.polyfit(self.steps[half:], self.log_size[half:], 1)[0]
        return float(np.exp(slope))


def runs_from_noise(
    points: Sequence[MeshPoint],
    *,
    shape: tuple[int, int] = (32, 24),
    steps: int = 20_000,
    seed: int = 0,
    raw: RAW | None = None,
) -> list[NoiseRun]:
    """Step the same noise, of zero mean, with each of ``points``, all in one batch, with the filter ``raw`` if any.

    The equation is linear and has no source, so the levels are rescaled now and then lest they overflow. What is
    predicted is the growth without filter.
    """
    every = 100
    noise = np.random.default_rng(seed).standard_normal(shape)
    noise -= noise.mean()
    noise /= noise.std()
    levels = Levels(*(np.broadcast_to(noise, (len(points), *shape)) for _ in range(2)))
    u, v, Dx, Dy = (np.array(numbers, float)[:, None, None] for numbers in zip(*points, strict=True))
    fields = Fields(u, v, Dx, Dy, source=np.zeros((1, 1, 1)))
    forward, mesh = backends.get("auto").forward, Mesh(dt=1.0, raw=raw.after(0) if raw else Filter())
    log_sizes = [np.zeros(len(points))]
    for _ in range(steps // every):
        levels = forward(levels, fields, mesh, every)
        size = np.sqrt((levels.now**2).mean(axis=(1, 2), keepdims=True))
        log_sizes.append(log_sizes[-1] + np.log(size.ravel()))
        levels = Levels(levels.now / size, levels.old / size)
    angles, counted = grid_angles(shape), every * np.arange(len(log_sizes))
    return [
        NoiseRun(point, counted, log_size, float(largest_growth(point, angles)))
        for point, log_size in zip(points, np.transpose(log_sizes), strict=True)
    ]
