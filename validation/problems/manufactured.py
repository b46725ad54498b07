"""A manufactured solution with everything variable, for every form and every boundary."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import numpy as np

from solver import DiffusionAdvection, Grid
from solver.records import ADVECTION, DIFFUSION, DIRICHLET, EVERYWHERE_PERIODIC, NO_FLUX, Kinds
from solver.sides import Dirichlet, Sides
from validation.problems.base import AnalyticProblem, Field
from validation.problems.profiles import Profiles, profiles_for
from validation.problems.trigonometric import Product

#: All forms of the equation, as (advection, diffusion).
FORMS: tuple[tuple[str, str], ...] = tuple(product(ADVECTION, DIFFUSION))

#: The boundaries to ask every question of, as north, south, west, east.
BOUNDARIES: dict[str, Kinds] = {
    "periodic": EVERYWHERE_PERIODIC,
    "no-flux": (NO_FLUX, NO_FLUX, NO_FLUX, NO_FLUX),
    "Dirichlet": (DIRICHLET, DIRICHLET, DIRICHLET, DIRICHLET),
    "mixed": (DIRICHLET, NO_FLUX, NO_FLUX, DIRICHLET),
}

OMEGA = 4.0  # angular frequency of the part that changes in time
PHASE = 1.0  # at t = 0, where it must change: a start that assumes that nothing does should show


@dataclass(frozen=True, kw_only=True)
class Manufactured(AnalyticProblem):
    """Manufactured solution with variable u, v, Dx, Dy, and the source that makes it one.

        H_t + (u H)_x + (v H)_y = Dx H_xx + Dy H_yy + f                  diffusion = "laplacian"
        H_t + (u H)_x + (v H)_y = (Dx H_x)_x + (Dy H_y)_y + f            diffusion = "flux"
        H(x, y, t) = S(x, y) + cos(4 t + 1) phi(x, y)
        f(x, y, t) = R S + cos(4 t + 1) R phi - 4 sin(4 t + 1) phi

    with R the equation's operator in space, advection less diffusion, its derivatives taken in closed form. S, phi, u,
    v, Dx and Dy are each a product of a function of x and one of y, which `profiles_for` chooses by the boundary: next
    to a no-flux wall they are even and the velocity across it odd; on a Dirichlet wall phi is zero and S is the value,
    which varies along the wall, and the flow crosses the wall.

    Parameters
    ----------
    walls
        Kind of the north, south, west and east side: "periodic", "no-flux" or "dirichlet".
    advection, diffusion
        Forms, as `solver.DiffusionAdvection` takes them. The two forms of the diffusion are two equations, each with
        its own source.
    scale
        Size of the diffusivities, positive.

    References
    ----------
    P. J. Roache, Code verification by the method of manufactured solutions, J. Fluids Eng. 124 (2002) 4,
    doi:10.1115/1.1436090.
    """

    name: ClassVar[str] = "manufactured"

    lengths: tuple[float, float] = (1.0, 1.25)
    walls: Kinds = EVERYWHERE_PERIODIC
    advection: str = "skew"
    diffusion: str = "laplacian"
    scale: float = 0.03

    @property
    def sides(self) -> Sides:
        """The walls, with the values that S has on the Dirichlet ones."""
        empty = [Dirichlet(0.0) if kind == DIRICHLET else kind for kind in self.walls]
        S = self._steady.at(Grid.spanning((self.rows, self.columns), self.lengths, Sides(*empty)))
        values = (S[0], S[-1], S[:, 0], S[:, -1])
        return Sides(*(Dirichlet(v) if k == DIRICHLET else k for k, v in zip(self.walls, values, strict=True)))

    @property
    def problem(self) -> DiffusionAdvection:
        """The equation on the grid, its source a function of time."""
        grid = self.grid
        u, v, Dx, Dy = (coefficient.at(grid) for coefficient in self._coefficients)
        phi, of_steady, of_moving = self._moving.at(grid), self._operator(self._steady), self._operator(self._moving)

        def source(t: float) -> Field:
            angle = OMEGA * t + PHASE
            changing: Field = np.cos(angle) * of_moving - OMEGA * np.sin(angle) * phi
            return of_steady + changing

        return DiffusionAdvection(grid, (u, v), (Dx, Dy), source, advection=self.advection, diffusion=self.diffusion)

    def exact(self, t: float) -> Field:
        """Return the exact solution at time ``t``."""
        grid = self.grid
        moving: Field = np.cos(OMEGA * t + PHASE) * self._moving.at(grid)
        return self._steady.at(grid) + moving

    def _operator(self, H: Product) -> Field:
        """Return (u H)_x + (v H)_y less the diffusion of ``H``, on the grid."""
        grid = self.grid
        u, v, Dx, Dy = self._coefficients
        operator = u.at(grid) * H.at(grid, x=1) + u.at(grid, x=1) * H.at(grid)
        operator += v.at(grid) * H.at(grid, y=1) + v.at(grid, y=1) * H.at(grid)
        operator -= Dx.at(grid) * H.at(grid, x=2) + Dy.at(grid) * H.at(grid, y=2)
        if self.diffusion == "flux":
            operator -= Dx.at(grid, x=1) * H.at(grid, x=1) + Dy.at(grid, y=1) * H.at(grid, y=1)
        return operator

    @property
    def _steady(self) -> Product:
        x, y = self._profiles
        return Product(x.steady, y.steady)

    @property
    def _moving(self) -> Product:
        x, y = self._profiles
        return Product(x.moving, y.moving)

    @property
    def _coefficients(self) -> tuple[Product, Product, Product, Product]:
        x, y = self._profiles
        return (
            Product(x.across, y.along),
            Product(x.along, y.across, -0.6),
            Product(x.diffusivity, y.along, self.scale),
            Product(x.along, y.diffusivity, 0.7 * self.scale),
        )

    @property
    def _profiles(self) -> tuple[Profiles, Profiles]:
        (north, south, west, east), (Lx, Ly) = self.walls, self.lengths
        return profiles_for((north, south), Lx), profiles_for((west, east), Ly)
