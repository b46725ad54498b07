"""Steady boundary layers at Dirichlet walls, and what central differences make of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from solver import DiffusionAdvection, Grid
from solver.records import NO_FLUX
from solver.sides import Dirichlet, Sides
from validation.problems.base import AnalyticProblem, Field


@dataclass(frozen=True, kw_only=True)
class BoundaryLayer(AnalyticProblem):
    """Steady flow along x from a wall that holds H = 0 to one that holds 1; no-flux walls beside it.

        u H_x = D H_xx,  H(0) = 0,  H(L) = 1
        H(x) = (exp(u x / D) - 1) / (exp(u L / D) - 1)

    The layer at the wall is D / u thick. Central differences solve equations of their own, exactly:

        H_i = (q^i - 1) / (q^n - 1),  q = (2 + Pe) / (2 - Pe),  Pe = u dx / D

    from node 0 to node n. Where the cell Peclet number Pe is above 2, q is negative: H oscillates from node to node,
    and stays between 0 and 1 only where Pe is not. Any initial state tends to that as time goes on; `exact` is the
    steady state at all times.

    Parameters
    ----------
    speed
        u, constant, positive.
    diffusivity
        D, constant, positive, the same along y, where it does nothing.

    References
    ----------
    P. M. Gresho and R. L. Lee, Don't suppress the wiggles: they're telling you something! Comput. Fluids 9 (1981)
    223-253, doi:10.1016/0045-7930(81)90026-8.
    """

    name: ClassVar[str] = "boundary layer"

    rows: int = 41
    columns: int = 3
    speed: float = 1.0
    diffusivity: float = 0.05

    @property
    def sides(self) -> Sides:
        """H = 0 where the flow comes in, 1 where it leaves."""
        return Sides(north=Dirichlet(0.0), south=Dirichlet(1.0), west=NO_FLUX, east=NO_FLUX)

    @property
    def problem(self) -> DiffusionAdvection:
        """The equation on the grid."""
        return DiffusionAdvection(self.grid, (self.speed, 0.0), (self.diffusivity, self.diffusivity))

    @property
    def peclet(self) -> float:
        """Cell Peclet number u dx / D."""
        return self.speed * self.grid.spacing[0] / self.diffusivity

    def exact(self, t: float) -> Field:
        """Return the steady state."""
        layer = _layer(self.grid.x / self.lengths[0], self.speed * self.lengths[0] / self.diffusivity)
        return np.repeat(layer[:, None], self.columns, axis=1)

    def discrete(self) -> Field:
        """Return the steady state of the central differences; at Pe = 2 it is 0 up to the last node."""
        # Divided by q^n, so that nothing overflows; 1/q is finite at Pe = 2.
        inverse, n = (2 - self.peclet) / (2 + self.peclet), self.rows - 1
        layer = (inverse ** (n - np.arange(n + 1)) - inverse**n) / (1 - inverse**n)
        return np.repeat(layer[:, None], self.columns, axis=1)


@dataclass(frozen=True, kw_only=True)
class CornerLayer(AnalyticProblem):
    """Two boundary layers that meet in a corner: the product of one along x and one along y.

        u H_x + v H_y = Dx H_xx + Dy H_yy,  H(x, y) = X(x) Y(y)
        X(x) = (exp(u x / Dx) - 1) / (exp(u Lx / Dx) - 1),  Y(y) likewise

    The walls hold what the product has there: 0 at x = 0 and y = 0, Y(y) at x = Lx, X(x) at y = Ly.

    Parameters
    ----------
    velocity
        (u, v), constants, positive.
    diffusivity
        (Dx, Dy), constants, positive.

    References
    ----------
    Gresho and Lee, as for `BoundaryLayer`; the product: separation of variables.
    """

    name: ClassVar[str] = "corner layer"

    rows: int = 33
    columns: int = 41
    lengths: tuple[float, float] = (1.0, 1.25)
    velocity: tuple[float, float] = (1.0, 0.6)
    diffusivity: tuple[float, float] = (0.1, 0.15)

    @property
    def sides(self) -> Sides:
        """H = 0 where the flow comes in, the other axis' layer where it leaves."""
        X, Y = self._layers(Grid.spanning((self.rows, self.columns), self.lengths, Dirichlet(0.0)))
        return Sides(north=Dirichlet(0.0), south=Dirichlet(Y), west=Dirichlet(0.0), east=Dirichlet(X))

    @property
    def problem(self) -> DiffusionAdvection:
        """The equation on the grid."""
        return DiffusionAdvection(self.grid, self.velocity, self.diffusivity)

    def exact(self, t: float) -> Field:
        """Return the steady state."""
        solution: Field = np.multiply.outer(*self._layers(self.grid))
        return solution

    def _layers(self, grid: Grid) -> tuple[Field, Field]:
        """Return X and Y on a grid."""
        (u, v), (Dx, Dy), (Lx, Ly) = self.velocity, self.diffusivity, self.lengths
        return _layer(grid.x / Lx, u * Lx / Dx), _layer(grid.y / Ly, v * Ly / Dy)


def _layer(s: Field, peclet: float) -> Field:
    """Return (exp(peclet s) - 1) / (exp(peclet) - 1), without overflow."""
    layer: Field = np.exp(peclet * (s - 1)) * np.expm1(-peclet * s) / np.expm1(-peclet)
    return layer
