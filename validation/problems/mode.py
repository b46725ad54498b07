"""One mode of the equation with constant coefficients: its rate is known, and that of its discrete counterpart."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from solver import DiffusionAdvection
from validation.problems.base import AnalyticProblem, Field


@dataclass(frozen=True, kw_only=True)
class Mode(AnalyticProblem):
    """A function of space that the equation, and its central differences, multiply by a number.

        H(x, y, t) = Re exp(r t) phi(x, y),  r = -(Dx kx^2 + Dy ky^2) - i (u kx + v ky)

    Parameters
    ----------
    velocity
        (u, v), constants; positive values carry the mode towards larger x and y.
    diffusivity
        (Dx, Dy), constants, not negative.
    waves
        How many waves, or half waves between walls, there are along x and along y.
    """

    velocity: tuple[float, float] = (0.0, 0.0)
    diffusivity: tuple[float, float] = (0.012, 0.02)
    waves: tuple[int, int] = (1, 2)

    @property
    def problem(self) -> DiffusionAdvection:
        """The equation on the grid."""
        return DiffusionAdvection(self.grid, velocity=self.velocity, diffusivity=self.diffusivity)

    @property
    @abstractmethod
    def wavenumbers(self) -> tuple[float, float]:
        """Angular wavenumbers kx, ky."""

    @abstractmethod
    def mode(self, amplitude: complex) -> Field:
        """Return Re(amplitude phi) on the grid."""

    @property
    def rate(self) -> complex:
        """The exponent r, per unit of time."""
        (u, v), (Dx, Dy), (kx, ky) = self.velocity, self.diffusivity, self.wavenumbers
        return complex(-(Dx * kx**2 + Dy * ky**2), -(u * kx + v * ky))

    @property
    def semi_discrete_rate(self) -> complex:
        """The exponent if space, but not time, is discretised by central differences."""
        (u, v), (Dx, Dy), (kx, ky) = self.velocity, self.diffusivity, self.wavenumbers
        dx, dy = self.grid.spacing
        decay = Dx * (2 / dx * np.sin(kx * dx / 2)) ** 2 + Dy * (2 / dy * np.sin(ky * dy / 2)) ** 2
        return complex(-decay, -(u * np.sin(kx * dx) / dx + v * np.sin(ky * dy) / dy))

    def exact(self, t: float) -> Field:
        """Return the exact solution at time ``t``."""
        return self.mode(np.exp(self.rate * t))

    def semi_discrete(self, t: float) -> Field:
        """Return the solution of the equations discrete in space, continuous in time, at time ``t``.

        What is left against it is the error of the time stepping alone.
        """
        return self.mode(np.exp(self.semi_discrete_rate * t))
