"""Diffusion between no-flux walls: one cosine mode, and the heat kernel that all of them add up to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from solver import DiffusionAdvection
from solver.records import NO_FLUX
from solver.sides import Sides
from validation.problems.base import AnalyticProblem, Field
from validation.problems.gaussian import periodic_normal
from validation.problems.mode import Mode


@dataclass(frozen=True, kw_only=True)
class CosineMode(Mode):
    """Decaying cosine between four no-flux walls.

        H_t = Dx H_xx + Dy H_yy,  H_x = 0 at x = 0, Lx,  H_y = 0 at y = 0, Ly
        H(x, y, t) = exp(-(Dx kx^2 + Dy ky^2) t) cos(kx x) cos(ky y),  kx = pi m / Lx,  ky = pi n / Ly

    On cells, x = (i + 1/2) dx, it is a mode of the central differences and of the mirrored walls too. For the
    parameters see `Mode`; ``waves`` are the half waves m, n between the walls. ``velocity`` stays 0.

    References
    ----------
    Separation of variables: J. Crank, The Mathematics of Diffusion, 2nd ed., Oxford 1975, section 2.3; the discrete
    modes: G. Strang, The discrete cosine transform, SIAM Rev. 41 (1999) 135-147, doi:10.1137/S0036144598336745.
    """

    name: ClassVar[str] = "cosine mode"

    lengths: tuple[float, float] = (1.0, 1.5)

    @property
    def sides(self) -> Sides:
        """No-flux walls all around."""
        return Sides.of(NO_FLUX)

    @property
    def wavenumbers(self) -> tuple[float, float]:
        """Angular wavenumbers kx, ky."""
        (Lx, Ly), (m, n) = self.lengths, self.waves
        return np.pi * m / Lx, np.pi * n / Ly

    def mode(self, amplitude: complex) -> Field:
        """Return Re(amplitude) cos(kx x) cos(ky y) on the grid."""
        grid, (kx, ky) = self.grid, self.wavenumbers
        along: Field = np.multiply.outer(np.cos(kx * grid.x), np.cos(ky * grid.y))
        return np.real(amplitude) * along


@dataclass(frozen=True, kw_only=True)
class HeatKernel(AnalyticProblem):
    """A unit of mass, released at a point between four no-flux walls some time before t = 0.

        H_t = Dx H_xx + Dy H_yy,  no flux through the walls
        H(x, y, t) = G(x, x0, Dx (t + age)) G(y, y0, Dy (t + age))
        G(x, x0, s) = 1/L sum over m of exp(-(pi m / L)^2 s) cos(pi m x0 / L) cos(pi m x / L),  m = ..., -1, 0, 1, ...

    G is summed as what it equals: normal densities of variance 2 s about x0 and about each of its mirror images.

    Parameters
    ----------
    diffusivity
        (Dx, Dy), constants, positive.
    centre
        (x0, y0), where the mass was released.
    age
        How long before t = 0: the kernel is sqrt(2 D age) wide then; resolve that by 3 points or more.

    References
    ----------
    Reflection at a boundary: J. Crank, The Mathematics of Diffusion, 2nd ed., Oxford 1975, section 2.2; the discrete
    cosine transform: G. Strang, SIAM Rev. 41 (1999) 135-147, doi:10.1137/S0036144598336745.
    """

    name: ClassVar[str] = "heat kernel"

    lengths: tuple[float, float] = (1.0, 1.5)
    diffusivity: tuple[float, float] = (0.02, 0.05)
    centre: tuple[float, float] = (0.25, 0.9)
    age: float = 0.3

    @property
    def sides(self) -> Sides:
        """No-flux walls all around."""
        return Sides.of(NO_FLUX)

    @property
    def problem(self) -> DiffusionAdvection:
        """The equation on the grid."""
        return DiffusionAdvection(self.grid, velocity=(0.0, 0.0), diffusivity=self.diffusivity)

    def exact(self, t: float) -> Field:
        """Return the exact solution at time ``t``."""
        grid = self.grid
        along = [
            sum(periodic_normal(points - image, 2 * D * (t + self.age), 2 * length) for image in (start, -start))
            for points, start, D, length in zip(
                (grid.x, grid.y), self.centre, self.diffusivity, self.lengths, strict=True
            )
        ]
        solution: Field = np.multiply.outer(*along)
        return solution

    def semi_discrete(self, t: float) -> Field:
        """Return the solution discrete in space, continuous in time: each cosine decays at the rate of its own."""
        from scipy.fft import dctn, idctn

        grid = self.grid
        decays = [
            np.exp(-D * t * (2 / step * np.sin(np.pi * np.arange(count) / (2 * count))) ** 2)
            for D, step, count in zip(self.diffusivity, grid.spacing, grid.shape, strict=True)
        ]
        solution: Field = idctn(np.multiply.outer(*decays) * dctn(self.exact(0.0)))
        return solution
