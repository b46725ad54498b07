"""A made-up laboratory for the inverse problem: plumes in a closed box, what is to be found there, and its pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from solver import DiffusionAdvection, Grid, solve
from solver.records import NO_FLUX
from validation.inverse import Coefficients, Misfit, Observations, Prior, Vector, minimise, velocity
from validation.problems.base import Field

Places = Sequence[tuple[float, float]]

GUESS = 0.008  # of D, where nothing is known of it
WIDTH = 0.09  # of a plume at t = 0


def box(rows: int) -> Grid:
    """Return the unit square between no-flux walls."""
    return Grid.spanning((rows, rows), (1.0, 1.0), NO_FLUX)


def true_coefficients(grid: Grid) -> Coefficients:
    """Return what is to be found: a patch of large D, one of small D; a gyre that fills the box, with an eddy in it."""
    x, y = grid.mesh()
    log = bell(x, y, (0.32, 0.66), 0.16) - 0.9 * bell(x, y, (0.7, 0.3), 0.14)
    walls = np.sin(np.pi * x) * np.sin(np.pi * y)
    psi = walls * (0.07 - 0.14 * bell(x, y, (0.65, 0.68), 0.2))
    return Coefficients(GUESS * np.exp(log), psi)


def bell(x: Field, y: Field, centre: tuple[float, float], width: float) -> Field:
    """Return a Gaussian of height 1."""
    hill: Field = np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (2 * width**2))
    return hill


def plumes(grid: Grid, places: Places) -> Field:
    """Return plumes of height 1, each alone in its plane of the batch, (plumes, rows, columns)."""
    x, y = grid.mesh()
    return np.array([bell(x, y, place, WIDTH) for place in places])


def lattice(side: int) -> Places:
    """Return side x side places, evenly over the box."""
    places = (np.arange(side) + 0.5) / side
    return [(float(a), float(b)) for a in places for b in places]


@dataclass(frozen=True)
class Experiment:
    """Plumes are let go, one at a time, and pictures taken.

    Parameters
    ----------
    rows
        Of the pictures, which are square.
    places
        Where a plume is let go at t = 0; each drifts by itself.
    dt, steps
        Time step of the fit, and after how many of them a picture is taken.
    noise
        Standard deviation in every cell of a picture, over the height of a plume at t = 0.
    """

    rows: int
    places: Places
    dt: float
    steps: Sequence[int]
    noise: float = 0.01

    @property
    def grid(self) -> Grid:
        """The grid of the pictures."""
        return box(self.rows)

    def observe(self) -> Observations:
        """Return noisy pictures of a run on a grid twice as fine with a quarter of the time step.

        Grid, time step and start differ from those of the fit, which cannot succeed by repeating the same errors.
        """
        fine = box(2 * self.rows)
        truth = true_coefficients(fine)
        problem = DiffusionAdvection(fine, velocity(truth.psi, fine), (truth.D, truth.D))
        times = self.dt * np.array(self.steps)
        solution = solve(problem, plumes(fine, self.places), float(times[-1]), dt=self.dt / 4, save_at=times)
        batch = solution.fields.shape[:-2]
        clean = solution.fields.reshape(*batch, self.rows, 2, self.rows, 2).mean(axis=(-3, -1))
        scatter = self.noise * np.random.default_rng(11).standard_normal(clean.shape)
        return Observations(plumes(self.grid, self.places), self.dt, tuple(self.steps), clean + scatter, self.noise)


@dataclass(frozen=True)
class Recovery:
    """What was found, and the way there.

    Parameters
    ----------
    misfit
        What was minimised.
    truth, found
        The coefficients on the grid of the pictures.
    history
        For w = 0 and after each iteration: mean square of the residuals over the noise, and the relative errors (L2)
        of D and of the velocity; (iterations + 1, 3).
    """

    misfit: Misfit
    truth: Coefficients
    found: Coefficients
    history: Field

    @cached_property
    def reached(self) -> NDArray[np.bool_]:
        """Where a plume exceeds twice the noise, at first or at a picture, by the fit's own run, (rows, columns)."""
        observations = self.misfit.observations
        seen = np.array([observations.initial, *self.misfit.run(self.found).seen[1:]])
        return np.asarray(seen.max(axis=(0, 1)) > 2 * observations.sigma)

    def log_errors(self, where: NDArray[np.bool_]) -> tuple[float, float]:
        """Return the root mean square error of log D over some cells: of what was found, and of the guess."""
        found, guess = (
            float(np.sqrt(np.mean(np.log(c.D / self.truth.D)[where] ** 2))) for c in (self.found, self.guess)
        )
        return found, guess

    @property
    def guess(self) -> Coefficients:
        """What w = 0 stands for: the same D everywhere, and no flow."""
        return self.misfit.prior.coefficients(np.zeros(2 * self.truth.D.size))


def recover(experiment: Experiment, iterations: int, tick: Callable[[], object] = lambda: None) -> Recovery:
    """Observe, and find the coefficients again; ``tick`` is called after each iteration."""
    grid = experiment.grid
    misfit = Misfit(Prior(grid, GUESS), experiment.observe())
    truth = true_coefficients(grid)
    history = []

    def watch(w: Vector) -> None:
        c = misfit.prior.coefficients(w)
        history.append((misfit.per_observation(w), relative(c.D, truth.D), velocity_error(c, truth, grid)))
        tick()

    watch(np.zeros(2 * truth.D.size))
    w = minimise(misfit, iterations, watch)
    return Recovery(misfit, truth, misfit.prior.coefficients(w), np.array(history))


def relative(computed: Field, expected: Field) -> float:
    """Return the L2 norm of the difference over that of ``expected``."""
    return float(np.linalg.norm(computed - expected) / np.linalg.norm(expected))


def velocity_error(found: Coefficients, truth: Coefficients, grid: Grid) -> float:
    """Return the relative error (L2) of the velocity vector."""
    return relative(np.array(velocity(found.psi, grid)), np.array(velocity(truth.psi, grid)))
