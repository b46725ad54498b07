"""An inverse problem: the diffusivity and the velocity of a plane, from noisy pictures of plumes that drift in it.

    H_t + (u H)_x + (v H)_y = D (H_xx + H_yy),    no flux through the walls
    D = guess exp(p),    (u, v) = (psi_y, -psi_x),    psi = 0 on the walls

p and psi are sought as the minimum of

    F = 1 / (2 sigma^2) sum over plumes, times, cells of (H - observed)^2 + |w|^2 / 2

where w are the control variables: the coefficients of p in cosines and of psi in sines, each over its prior standard
deviation, which falls with the wavenumber. So |w|^2 / 2 asks for smoothness and F is the negative logarithm of the
posterior density, up to a constant, of a Gaussian prior and Gaussian noise. Its gradient comes from one adjoint run.

References
----------
A. Tarantola, Inverse Problem Theory, SIAM 2005, chapter 3, doi:10.1137/1.9780898717921; change of control variable:
A. C. Lorenc, Quart. J. Roy. Meteor. Soc. 112 (1986) 1177-1194, doi:10.1002/qj.49711247414.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from solver import DiffusionAdvection, Grid
from validation.problems.base import Field
from validation.sensitivity import Segment, Trajectory, pull_back, run_forward

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Coefficients:
    """What is sought, (rows, columns) each: the diffusivity D, and the stream function psi of the velocity."""

    D: Field
    psi: Field


@dataclass(frozen=True)
class Prior:
    """What is taken for granted: how large and how smooth log D and psi are.

    Parameters
    ----------
    grid
        A plane between no-flux walls.
    guess
        The diffusivity in the absence of observations.
    log_deviation
        Standard deviation of log(D / guess), the mean over the plane.
    psi_deviation
        That of psi, in units of area per time.
    length
        Correlation length of both: the covariance falls like exp(-r^2 / (2 length^2)) away from the walls.
    """

    grid: Grid
    guess: float = 0.008
    log_deviation: float = 0.7
    psi_deviation: float = 0.04
    length: float = 0.12

    @cached_property
    def _spectrum(self) -> Field:
        """Standard deviation of the cosine with (m, n) half waves, of unit mean square over the modes."""
        m, n = np.meshgrid(*(np.pi * np.arange(k) / L for k, L in zip(self.grid.shape, self.grid.lengths, strict=True)),
                           indexing="ij")  # fmt: skip
        spectrum: Field = np.exp(-(self.length**2) * (m**2 + n**2) / 4)
        spectrum /= np.sqrt(np.mean(spectrum**2))
        return spectrum

    def coefficients(self, w: Vector) -> Coefficients:
        """Return D and psi of the control variables w, (2 rows columns,): those of p, then those of psi."""
        from scipy.fft import idctn, idstn

        of_log, of_psi = w.reshape(2, *self.grid.shape)
        log = self.log_deviation * idctn(self._spectrum * of_log, norm="ortho")
        psi: Field = self.psi_deviation * idstn(self._spectrum * of_psi, norm="ortho")
        return Coefficients(self.guess * np.exp(log), psi)

    def pull_back(self, at: Coefficients, of: Coefficients) -> Vector:
        """Return the gradient with respect to w from those with respect to D and psi, at D and psi."""
        from scipy.fft import dctn, dstn

        of_log = self._spectrum * dctn(self.log_deviation * at.D * of.D, norm="ortho")
        of_psi = self._spectrum * dstn(self.psi_deviation * of.psi, norm="ortho")
        return np.concatenate([of_log.ravel(), of_psi.ravel()])


def _odd_difference(count: int, spacing: float) -> Field:
    """Return the matrix of central differences, (count, count), of what is mirrored oddly in both walls."""
    matrix = (np.eye(count, k=1) - np.eye(count, k=-1)) / (2 * spacing)
    matrix[0, 0], matrix[-1, -1] = 1 / (2 * spacing), -1 / (2 * spacing)
    return matrix


def velocity(psi: Field, grid: Grid) -> tuple[Field, Field]:
    """Return (u, v) = (psi_y, -psi_x) by central differences, free of divergence in the solver's sense too."""
    along, across = (_odd_difference(n, h) for n, h in zip(grid.shape, grid.spacing, strict=True))
    u: Field = psi @ across.T
    v: Field = -along @ psi
    return u, v


def velocity_transposed(of_u: Field, of_v: Field, grid: Grid) -> Field:
    """Return the adjoint of `velocity`: the gradient with respect to psi."""
    along, across = (_odd_difference(n, h) for n, h in zip(grid.shape, grid.spacing, strict=True))
    of_psi: Field = of_u @ across - along.T @ of_v
    return of_psi


@dataclass(frozen=True)
class Observations:
    """Pictures of the plumes.

    Parameters
    ----------
    initial
        The plumes at t = 0, known, (plumes, rows, columns).
    dt
        Time step of the run that is fitted to them.
    steps
        After how many steps each picture was taken, ascending, each more than 1.
    H
        The pictures, (times, plumes, rows, columns).
    sigma
        Standard deviation of their noise.
    """

    initial: Field
    dt: float
    steps: Sequence[int]
    H: Field
    sigma: float

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The first step, then the steps from each picture to the next.

        H[1] is made by one step of half the length that copies H[-1] = H[0]: it ends at dt, and errs by dt^2 only.
        """
        lengths = np.diff(self.steps, prepend=1)
        return (Segment(self.dt / 2, 1), *(Segment(self.dt, int(length)) for length in lengths))


@dataclass(frozen=True)
class Misfit:
    """F of the control variables, and its gradient, for given observations and prior."""

    prior: Prior
    observations: Observations

    def run(self, c: Coefficients) -> Trajectory:
        """Run the plumes with these coefficients."""
        grid = self.prior.grid
        problem = DiffusionAdvection(grid, velocity(c.psi, grid), (c.D, c.D))
        return run_forward(problem, self.observations.initial, self.observations.segments)

    def residuals(self, trajectory: Trajectory) -> Field:
        """Return H - observed, over the noise, (times, plumes, rows, columns)."""
        scaled: Field = (np.array(trajectory.seen[1:]) - self.observations.H) / self.observations.sigma
        return scaled

    def per_observation(self, w: Vector) -> float:
        """Return the mean square of the residuals over the noise: 1 where the fit is as good as the noise allows."""
        return float(np.mean(self.residuals(self.run(self.prior.coefficients(w))) ** 2))

    def __call__(self, w: Vector) -> tuple[float, Vector]:
        """Return F and its gradient, by one run and one adjoint run."""
        c = self.prior.coefficients(w)
        trajectory = self.run(c)
        residuals = self.residuals(trajectory)
        value = 0.5 * float(np.sum(residuals**2)) + 0.5 * float(w @ w)
        return value, self.pull_back(c, trajectory, residuals / self.observations.sigma) + w

    def pull_back(self, c: Coefficients, trajectory: Trajectory, cotangents: Field) -> Vector:
        """Return the gradient with respect to w from those with respect to the pictures."""
        unseen = np.zeros_like(trajectory.seen[0])  # nothing is observed after the first step
        found = pull_back(trajectory, (unseen, *cotangents))
        of_psi = velocity_transposed(found.u, found.v, self.prior.grid)
        return self.prior.pull_back(c, Coefficients(found.Dx + found.Dy, of_psi))


def minimise(misfit: Misfit, iterations: int, watch: Callable[[Vector], None] = lambda w: None) -> Vector:
    """Return the control variables at which F is least, by L-BFGS from w = 0: D the guess, and no flow.

    ``watch`` is called with those of every iteration.
    """
    from scipy.optimize import minimize

    start = np.zeros(2 * misfit.prior.grid.shape[0] * misfit.prior.grid.shape[1])
    found = minimize(
        misfit,
        start,
        jac=True,
        method="L-BFGS-B",
        callback=watch,
        options={"maxiter": iterations, "maxfun": 2 * iterations, "maxcor": 30, "ftol": 1e-9, "gtol": 0.0},
    )
    w: Vector = found.x
    return w
