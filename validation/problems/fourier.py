"""One Fourier mode: it decays and travels, and its discrete counterpart is known as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from solver import DiffusionAdvection
from validation.problems.base import AnalyticProblem, Field


@dataclass(frozen=True, kw_only=True)
class FourierMode(AnalyticProblem):
    """Decaying, advected Fourier mode of the equation with constant coefficients.

        H_t + u H_x + v H_y = Dx H_xx + Dy H_yy
        H(x, y, t) = Re exp(r t + i (kx x + ky y)),  r = -(Dx kx^2 + Dy ky^2) - i (u kx + v ky)

    Anisotropic by default (u != v, Dx != Dy, rows != columns, dx != dy, kx != ky), so that no exchange of the
    axes goes unnoticed.

    Parameters
    ----------
    velocity
        (u, v), constants; positive values carry the mode towards larger x and y.
    diffusivity
        (Dx, Dy), constants, not negative.
    waves
        Whole waves in one period along x and along y.

    References
    ----------
    Separation of variables; any text on linear PDEs, e.g. J. C. Strikwerda, Finite Difference Schemes and
    Partial Differential Equations, 2nd ed., SIAM 2004, chapter 1, doi:10.1137/1.9780898717938.
    """

    name: ClassVar[str] = "Fourier mode"

    lengths: tuple[float, float] = (1.0, 1.5)
    velocity: tuple[float, float] = (0.8, -0.5)
    diffusivity: tuple[float, float] = (0.012, 0.02)
    waves: tuple[int, int] = (1, 2)

    @property
    def problem(self) -> DiffusionAdvection:
        """The equation on the grid."""
        return DiffusionAdvection(self.grid, velocity=self.velocity, diffusivity=self.diffusivity)

    @property
    def wavenumbers(self) -> tuple[float, float]:
        """Angular wavenumbers kx, ky."""
        (Lx, Ly), (m, n) = self.lengths, self.waves
        return 2 * np.pi * m / Lx, 2 * np.pi * n / Ly

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

    def mode(self, amplitude: complex) -> Field:
        """Return Re(amplitude exp(i (kx x + ky y))) on the grid."""
        (X, Y), (kx, ky) = self.grid.mesh(), self.wavenumbers
        return np.real(amplitude * np.exp(1j * (kx * X + ky * Y)))

    def exact(self, t: float) -> Field:
        """Return the exact solution at time ``t``."""
        return self.mode(np.exp(self.rate * t))

    def semi_discrete(self, t: float) -> Field:
        """Return the solution of the equations discrete in space, continuous in time, at time ``t``.

        What is left against it is the error of the time stepping alone.
        """
        return self.mode(np.exp(self.semi_discrete_rate * t))
