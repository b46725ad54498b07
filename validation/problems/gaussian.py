"""A Gaussian that drifts and spreads, with its periodic images."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from solver import DiffusionAdvection
from validation.problems.base import AnalyticProblem, Field


@dataclass(frozen=True, kw_only=True)
class Gaussian(AnalyticProblem):
    """Advected, diffusing Gaussian of unit mass on the periodic plane.

        H_t + u H_x + v H_y = Dx H_xx + Dy H_yy
        H(x, y, t) = g(x - x0 - u t, width^2 + 2 Dx t) g(y - y0 - v t, width^2 + 2 Dy t)
        g(s, variance) = sum over m of exp(-(s - m L)^2 / (2 variance)) / sqrt(2 pi variance)

    Parameters
    ----------
    velocity
        (u, v), constants.
    diffusivity
        (Dx, Dy), constants, not negative.
    centre
        (x0, y0) at t = 0.
    width
        Standard deviation at t = 0, the same along x and y; resolve it by 3 points or more.

    References
    ----------
    The heat kernel in a moving frame: J. Crank, The Mathematics of Diffusion, 2nd ed., Oxford 1975,
    section 2.2.
    """

    name: ClassVar[str] = "Gaussian"

    lengths: tuple[float, float] = (1.0, 0.75)
    velocity: tuple[float, float] = (0.9, 0.4)
    diffusivity: tuple[float, float] = (0.004, 0.008)
    centre: tuple[float, float] = (0.3, 0.25)
    width: float = 0.07

    @property
    def problem(self) -> DiffusionAdvection:
        """The equation on the grid."""
        return DiffusionAdvection(self.grid, velocity=self.velocity, diffusivity=self.diffusivity)

    def exact(self, t: float) -> Field:
        """Return the exact solution at time ``t``."""
        grid = self.grid
        along = [
            periodic_normal(points - start - speed * t, self.width**2 + 2 * D * t, period)
            for points, start, speed, D, period in zip(
                (grid.x, grid.y), self.centre, self.velocity, self.diffusivity, self.lengths, strict=True
            )
        ]
        solution: Field = np.multiply.outer(*along)
        return solution


def periodic_normal(offset: Field, variance: float, period: float) -> Field:
    """Return the normal density of ``variance`` at ``offset``, (n,), summed over its periodic images."""
    nearest = (offset + period / 2) % period - period / 2
    reach = 1 + int(np.ceil(9 * np.sqrt(variance) / period))  # exp(-9^2 / 2) is below double precision
    images = nearest[:, None] - period * np.arange(-reach, reach + 1)
    density: Field = np.exp(-(images**2) / (2 * variance)).sum(axis=1)
    return density / math.sqrt(2 * math.pi * variance)
