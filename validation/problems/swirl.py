"""The deformational swirl that draws a hill out into a spiral and returns it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from solver import DiffusionAdvection
from solver.records import NO_FLUX
from solver.sides import Sides
from validation.problems.base import AnalyticProblem, Field

STEP = 0.005  # of Runge-Kutta along a path, in time: the paths are good to 1e-8


@dataclass(frozen=True, kw_only=True)
class Swirl(AnalyticProblem):
    """Reversing swirl in the unit square, advection alone, between walls that nothing crosses.

        H_t + (u H)_x + (v H)_y = 0
        u =  g(t) sin^2(pi x) sin(2 pi y),  v = -g(t) sin^2(pi y) sin(2 pi x),  g(t) = cos(pi t / T)
        H(x, y, 0) = ((1 + cos(pi min(r / radius, 1))) / 2)^power,  r the distance from ``centre``

    The flow has no divergence, so H is carried unchanged along its paths; these are the paths of the steady swirl,
    travelled for the time T / pi sin(pi t / T). At t = T all is where it was at 0.

    Parameters
    ----------
    period
        T, when the hill is back; it is most deformed at T / 2.
    centre, radius
        Of the hill.
    power
        LeVeque's hill, 1, has a jump in its second derivative at its foot, which limits the order that any scheme can
        show; 2 has four derivatives.
    advection
        Form of the advection.

    References
    ----------
    R. J. LeVeque, High-resolution conservative algorithms for advection in incompressible flow, SIAM J. Numer. Anal.
    33 (1996) 627-665, doi:10.1137/0733033, section 9.
    """

    name: ClassVar[str] = "swirl"

    rows: int = 64
    columns: int = 64
    period: float = 1.5
    centre: tuple[float, float] = (0.5, 0.75)
    radius: float = 0.2
    power: int = 1
    advection: str = "skew"

    @property
    def sides(self) -> Sides:
        """No-flux walls: the velocity across them is zero."""
        return Sides.of(NO_FLUX)

    @property
    def problem(self) -> DiffusionAdvection:
        """The equation on the grid, its velocity a function of time."""
        u, v = steady_swirl(*self.grid.mesh())

        def velocity(t: float) -> tuple[Field, Field]:
            g = np.cos(np.pi * t / self.period)
            return g * u, g * v

        return DiffusionAdvection(self.grid, velocity, (0.0, 0.0), advection=self.advection)

    def exact(self, t: float) -> Field:
        """Return the solution at time ``t``: what was at the beginning of the path that ends at each grid point."""
        travelled = self.period / np.pi * np.sin(np.pi * t / self.period)
        X, Y = path_ends(*self.grid.mesh(), -travelled)
        distance = np.hypot(X - self.centre[0], Y - self.centre[1])
        hill: Field = ((1 + np.cos(np.pi * np.minimum(distance / self.radius, 1))) / 2) ** self.power
        return hill


def steady_swirl(X: Field, Y: Field) -> tuple[Field, Field]:
    """Return u and v of the swirl at t = 0."""
    return np.sin(np.pi * X) ** 2 * np.sin(2 * np.pi * Y), -(np.sin(np.pi * Y) ** 2) * np.sin(2 * np.pi * X)


def path_ends(X: Field, Y: Field, duration: float) -> tuple[Field, Field]:
    """Follow the steady swirl from (X, Y), back if ``duration`` is negative, by the classical Runge-Kutta method."""
    steps = max(1, math.ceil(abs(duration) / STEP))
    h = duration / steps
    at = np.stack((X, Y))
    for _ in range(steps):
        k1 = np.stack(steady_swirl(*at))
        k2 = np.stack(steady_swirl(*(at + h / 2 * k1)))
        k3 = np.stack(steady_swirl(*(at + h / 2 * k2)))
        k4 = np.stack(steady_swirl(*(at + h * k3)))
        at = at + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return at[0], at[1]
