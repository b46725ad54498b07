"""Stability with constant coefficients between walls: the criterion of the periodic plane against the true spectrum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from solver import DiffusionAdvection, Dirichlet, Grid, Sides, spectral_radius, stability

#: A spectral radius up to 1 + this is no growth: a double eigenvalue of modulus 1 errs by the root of epsilon.
ROUNDING = 1e-6

#: Stands for the limit where there is none: diffusion numbers of this time step are far beyond Euler's limit.
LONG_DT = 100.0

WALL = Dirichlet(0.0)

#: Boundary, and the velocity (u, v): none across a no-flux wall, where it would pile H up.
BOUNDARIES = {
    "periodic": (Sides(), (0.8, 0.5)),
    "Dirichlet": (Sides.of(WALL), (0.8, 0.5)),
    "Dirichlet along x": (Sides(north=WALL, south=WALL), (0.8, 0.5)),
    "no-flux along x": (Sides(north="no-flux", south="no-flux"), (0.0, 0.8)),
    "no-flux, Dirichlet": (Sides("no-flux", "no-flux", WALL, WALL), (0.0, 0.8)),
    "no-flux, no flow": (Sides.of("no-flux"), (0.0, 0.0)),
}


@dataclass(frozen=True)
class Walled:
    """A problem with constant coefficients on a plane with walls.

    Parameters
    ----------
    boundary
        Its name in `BOUNDARIES`, which also gives the velocity.
    diffusivity
        (Dx, Dy).
    shape
        Rows and columns of the plane.
    """

    boundary: str
    diffusivity: tuple[float, float]
    shape: tuple[int, int]

    @property
    def problem(self) -> DiffusionAdvection:
        """The equation on the plane."""
        sides, velocity = BOUNDARIES[self.boundary]
        return DiffusionAdvection(Grid(self.shape, (1.0, 1.2), sides), velocity, self.diffusivity)

    @property
    def flows(self) -> bool:
        """Whether there is a velocity, and with it a limit."""
        return any(BOUNDARIES[self.boundary][1])

    @property
    def dt(self) -> float:
        """Largest time step that the criterion calls stable; LONG_DT if it calls all stable."""
        return min(stability.largest_stable_dt(self.problem), LONG_DT)

    def radius(self, factor: float) -> float:
        """Return the spectral radius at ``factor`` times that time step."""
        return spectral_radius(self.problem, factor * self.dt)

    def limit(self, reach: float) -> float:
        """Return the factor at which growth starts; ``reach`` if nothing grows there."""
        return largest(lambda factor: self.radius(factor) <= 1 + ROUNDING, reach)


def largest(stable: Callable[[float], bool], reach: float, halvings: int = 12) -> float:
    """Return the largest stable value in [0, ``reach``] by bisection, taking it that stability ends once."""
    if stable(reach):
        return reach
    low, high = 0.0, reach
    for _ in range(halvings):
        middle = (low + high) / 2
        low, high = (middle, high) if stable(middle) else (low, middle)
    return low
