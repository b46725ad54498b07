"""Solid-body rotation of a cone and of a Gaussian: the flow that brings everything back."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from solver import DiffusionAdvection
from solver.sides import Dirichlet, Sides
from validation.problems.base import AnalyticProblem, Field

AXIS = (0.5, 0.5)


@dataclass(frozen=True, kw_only=True)
class SolidRotation(AnalyticProblem):
    """A hill on the unit square that turns with the fluid about the centre (Molenkamp-Crowley).

        H_t + (u H)_x + (v H)_y = D (H_xx + H_yy),  u = -Omega (y - 1/2),  v = Omega (x - 1/2)
        H(x, y, t) = hill(distance of (x, y) from c(t), t)

    c(t) turns once, from x towards y, in 2 pi / Omega = ``period``. The walls hold H = 0, where the exact solution is
    zero too, or below rounding. u does not vary along x, nor v along y, so that the three forms of the advection are
    one scheme here.

    Parameters
    ----------
    period
        Time of one turn.
    centre
        c(0), within 0.3 of the middle.

    References
    ----------
    C. R. Molenkamp, Accuracy of finite-difference methods applied to the advection equation, J. Appl. Meteorol. 7
    (1968) 160-167, doi:10.1175/1520-0450(1968)007<0160:AOFDMA>2.0.CO;2; W. P. Crowley, Numerical advection
    experiments, Mon. Weather Rev. 96 (1968) 1-11, doi:10.1175/1520-0493(1968)096<0001:NAE>2.0.CO;2.
    """

    rows: int = 65
    columns: int = 65
    period: float = 1.0
    centre: tuple[float, float] = (0.5, 0.75)
    advection: str = "skew"

    @property
    def sides(self) -> Sides:
        """Walls that hold zero."""
        return Sides.of(Dirichlet(0.0))

    @property
    @abstractmethod
    def diffusivity(self) -> float:
        """D, the same along x and y: the hill must stay round."""

    @abstractmethod
    def hill(self, distance: Field, t: float) -> Field:
        """Return H at a distance from the centre of the hill at time ``t``."""

    @property
    def problem(self) -> DiffusionAdvection:
        """The equation on the grid."""
        (X, Y), Omega = self.grid.mesh(), 2 * np.pi / self.period
        velocity = (-Omega * (Y - AXIS[1]), Omega * (X - AXIS[0]))
        return DiffusionAdvection(self.grid, velocity, (self.diffusivity,) * 2, advection=self.advection)

    def centre_at(self, t: float) -> tuple[float, float]:
        """Return c(t)."""
        angle = 2 * np.pi * t / self.period
        x, y = self.centre[0] - AXIS[0], self.centre[1] - AXIS[1]
        cos, sin = float(np.cos(angle)), float(np.sin(angle))
        return AXIS[0] + cos * x - sin * y, AXIS[1] + sin * x + cos * y

    def exact(self, t: float) -> Field:
        """Return the exact solution at time ``t``."""
        (X, Y), (x, y) = self.grid.mesh(), self.centre_at(t)
        return self.hill(np.hypot(X - x, Y - y), t)


@dataclass(frozen=True, kw_only=True)
class RotatingCone(SolidRotation):
    """A rotating cone without diffusion, hill(r) = max(0, 1 - r / radius): its tip and its foot are the test.

    For the equation and the other parameters see `SolidRotation`.

    Parameters
    ----------
    radius
        Of the foot.
    """

    name: ClassVar[str] = "rotating cone"

    radius: float = 0.15

    @property
    def diffusivity(self) -> float:
        """None."""
        return 0.0

    def hill(self, distance: Field, t: float) -> Field:
        """Return the height at a distance from the tip."""
        return np.maximum(0.0, 1 - distance / self.radius)


@dataclass(frozen=True, kw_only=True)
class RotatingGaussian(SolidRotation):
    """A rotating Gaussian that may spread, hill(r, t) = (width^2 / s2) exp(-r^2 / (2 s2)),  s2 = width^2 + 2 D t.

    For the equation and the other parameters see `SolidRotation`.

    Parameters
    ----------
    width
        Standard deviation at t = 0; at 0.04 the height on the walls is below 1e-8.
    diffusivity
        D, not negative.
    """

    name: ClassVar[str] = "rotating Gaussian"

    width: float = 0.04
    diffusivity: float = 0.0

    def hill(self, distance: Field, t: float) -> Field:
        """Return the height at a distance from the top."""
        variance = self.width**2 + 2 * self.diffusivity * t
        return self.width**2 / variance * np.exp(-(distance**2) / (2 * variance))
