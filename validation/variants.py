"""The forms of the equation and the boundaries, all of which a study goes through, and a problem for each."""

from __future__ import annotations

from itertools import cycle, product
from typing import Any, NamedTuple

import numpy as np

from solver import DiffusionAdvection, Grid
from solver.records import ADVECTION, DIFFUSION, DIRICHLET, NO_FLUX, PERIODIC
from solver.sides import NAMES, Dirichlet, Sides
from solver.starting import hold_initial
from validation.problems.base import Field

MIXED = "mixed"

#: "mixed" has two walls that hold H and two that nothing crosses, one of each on either axis.
BOUNDARIES = (PERIODIC, NO_FLUX, DIRICHLET, MIXED)

#: The sides on which a boundary holds H.
HELD = {PERIODIC: (), NO_FLUX: (), DIRICHLET: NAMES, MIXED: ("north", "east")}


class Variant(NamedTuple):
    """A form of the advection, a form of the diffusion, and a boundary."""

    advection: str
    diffusion: str
    boundary: str

    def __str__(self) -> str:
        return f"{self.advection}, {self.diffusion}, {self.boundary}"

    def sides(self, values: dict[str, Any]) -> Sides:
        """Return the sides; a side that holds H takes what ``values`` has under its name."""
        otherwise = PERIODIC if self.boundary == PERIODIC else NO_FLUX
        held = HELD[self.boundary]
        return Sides(**{name: Dirichlet(values[name]) if name in held else otherwise for name in NAMES})


#: Every form with every boundary.
VARIANTS = tuple(Variant(*parts) for parts in product(ADVECTION, DIFFUSION, BOUNDARIES))

#: Every form once, every boundary at least once.
COVERING = tuple(Variant(*form, b) for form, b in zip(product(ADVECTION, DIFFUSION), cycle(BOUNDARIES), strict=False))


def smooth_problem(variant: Variant, shape: tuple[int, int] = (12, 10)) -> tuple[DiffusionAdvection, Field]:
    """Return a problem in which u, v, Dx, Dy, f and the walls all vary, and an initial field that holds the walls."""
    s, t = (np.linspace(0, 1, n) for n in shape)
    walls = {"north": 0.4 + 0.3 * t, "south": 0.2 - 0.1 * t**2, "west": 0.4 - 0.2 * s, "east": 0.7 - 0.6 * s}
    grid = Grid.spanning(shape, (1.0, 1.2), variant.sides(walls))
    x, y = grid.mesh()
    X, Y = 2 * np.pi * x, 2 * np.pi * y / 1.2
    problem = DiffusionAdvection(
        grid,
        velocity=(0.3 + 0.2 * np.sin(X) * np.cos(Y), -0.2 + 0.25 * np.cos(X + Y)),
        diffusivity=(0.03 * (1 + 0.5 * np.cos(X - Y)), 0.02 * (1 + 0.6 * np.sin(X) * np.sin(Y))),
        source=0.5 * np.cos(Y) * np.sin(X),
        advection=variant.advection,
        diffusion=variant.diffusion,
    )
    return problem, hold_initial(problem, np.exp(-8 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)))


def rough_problem(variant: Variant, seed: int = 0) -> tuple[DiffusionAdvection, Field]:
    """Return a problem with random, independent coefficients in every cell, and a random field."""
    shape = rows, columns = 7, 6
    draw = np.random.default_rng(seed)
    walls = {name: draw.normal(size=columns if name in ("north", "south") else rows) for name in NAMES}
    u, v, f, H = draw.normal(size=(4, *shape))
    Dx, Dy = draw.uniform(0.1, 1.0, size=(2, *shape))
    grid = Grid(shape, (0.7, 0.9), variant.sides(walls))
    forms = {"advection": variant.advection, "diffusion": variant.diffusion}
    return DiffusionAdvection(grid, (u, v), (Dx, Dy), f, **forms), H
