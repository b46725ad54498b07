r"""Mesh numbers, the exact stability criterion, the largest stable time step, and the consistency time tau.

For constant coefficients the Fourier mode exp(i(a p + b q)) of the scheme grows unless (Schur-Cohn on the
amplification quadratic)

    (w_x cos a + w_y cos b)^2 + (A_x sin a + A_y sin b)^2 <= 1   for all angles a, b,

with A_x = u dt/dx, A_y = v dt/dy, B_x = Dx dt/dx^2, B_y = Dy dt/dy^2, w_x = B_x/(B_x + B_y), w_y = 1 - w_x. That is

    A_x^2 / w_x + A_y^2 / w_y <= 1     where there is diffusion,
    |A_x| + |A_y| <= 1                 where there is none (strictly: at equality a double root grows linearly).

The weights do not depend on dt, so the root of the left side is linear in dt: it is the *stability number* c, at
most 1. Diffusion alone never limits dt. One zero diffusivity across a flow is fatal: with B_y = 0 < B_x and v != 0
the number is infinite at every dt.

With constant coefficients it is exact for every form, for they are one scheme then, on the periodic plane and between
no-flux walls with no flow across them (a mirrored periodic plane). Between Dirichlet walls it suffices (docs, section
Stability). For variable coefficients it is a guide per cell, with the numbers that the stencil of the form has there;
neither necessary nor sufficient: the product-rule form can grow where each cell passes. `spectral_radius` is the truth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from solver import checks
from solver.filters import RAW
from solver.neighbours import east, north, south, west
from solver.problem import DiffusionAdvection
from solver.records import ADVECTION, DIFFUSION, DIRICHLET, Inputs
from solver.walls import wall_cells

if TYPE_CHECKING:  # `import solver` does without the kernels
    from solver.cpu.survey import Survey

Array = NDArray[Any]

MARGIN = 1e-9  # how far below 1 a cell without diffusion must stay: equality has a double root
ROUNDING = 1e-12
SMALL_TAU = 0.02  # of t_end: the relative error that tau makes in the rate of a mode that changes over t_end
CONSISTENT_NUMBER = 0.1  # stability number at which the telegraph term takes 1 % of the diffusivity


class StabilityWarning(UserWarning):
    """The time step violates the stability criterion in at least one cell."""


class ConsistencyWarning(UserWarning):
    """The consistency time tau is not small against the length of the run."""


class StabilityError(ValueError):
    """The time step violates the stability criterion, and `strict` was asked for."""


@dataclass(frozen=True)
class MeshNumbers:
    """The mesh numbers of every cell, float64, each of a shape that broadcasts to (..., rows, columns)."""

    A_x: Array
    A_y: Array
    B_x: Array
    B_y: Array

    def at(self, cell: tuple[int, ...], shape: tuple[int, ...]) -> tuple[float, float, float, float]:
        """(A_x, A_y, B_x, B_y) at the index `cell` of an array of `shape`, (..., rows, columns)."""
        A_x, A_y, B_x, B_y = (
            float(np.broadcast_to(number, shape)[cell]) for number in (self.A_x, self.A_y, self.B_x, self.B_y)
        )
        return A_x, A_y, B_x, B_y


def mesh_numbers(problem: DiffusionAdvection, dt: float) -> MeshNumbers:
    """A_x = u dt/dx, A_y = v dt/dy, B_x = Dx dt/dx^2, B_y = Dy dt/dy^2 of every cell.

    Of the stencil that the cell has: where the form takes a neighbour's share of a coefficient, the mean over the two
    directions. On Dirichlet walls, where nothing is computed, they are zero. At t = 0 if the problem is not steady.
    """
    dt = checks.real("dt", dt)
    u, v, *_ = problem.fields(np.float64)
    (dx, dy), s = problem.grid.spacing, ADVECTION[problem.advection]
    A_x = _of_stencil(problem, u, s, (north, south), -1) * (dt / dx)
    A_y = _of_stencil(problem, v, s, (west, east), -1) * (dt / dy)
    return MeshNumbers(A_x, A_y, *diffusion_numbers(problem, dt))


def diffusion_numbers(problem: DiffusionAdvection, dt: float) -> tuple[Array, Array]:
    """Return B_x and B_y of `mesh_numbers` alone."""
    _, _, *D, _ = problem.fields()
    Dx, Dy = (field.astype(np.float64, copy=False) for field in D)
    (dx, dy), d = problem.grid.spacing, DIFFUSION[problem.diffusion]
    B_x = _of_stencil(problem, Dx, d, (north, south), 1) * (dt / dx**2)
    B_y = _of_stencil(problem, Dy, d, (west, east), 1) * (dt / dy**2)
    return B_x, B_y


def _of_stencil(problem: DiffusionAdvection, field: Array, share: float, beyond: Any, mirror: int) -> Array:
    """Return what the stencil of each cell has of a field; `beyond` finds the cells before and after it."""
    kinds, shape = problem.grid.sides.kinds, problem.grid.shape
    if share and field.ndim:
        field = np.broadcast_to(field, np.broadcast_shapes(field.shape, shape))
        before, after = (neighbour(field, kinds, mirror) for neighbour in beyond)
        field = (1 - share) * field + share * ((before + after) / 2)
    return np.where(wall_cells(kinds, shape), 0, field) if DIRICHLET in kinds else field


def stability_of(A_x: Array, A_y: Array, B_x: Array, B_y: Array) -> Array:
    """Stability number of given mesh numbers, elementwise; stable up to 1, infinite where no dt is stable."""
    A_x, A_y, B_x, B_y = np.broadcast_arrays(A_x, A_y, B_x, B_y)
    B = B_x + B_y

    def share(A: Array, part: Array) -> Array:
        """A^2 B / part, zero where A is."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return np.where(A == 0, 0.0, A**2 * np.where(part > 0, B / part, np.inf))

    diffusive = np.sqrt(share(A_x, B_x) + share(A_y, B_y))
    return np.where(B > 0, diffusive, np.abs(A_x) + np.abs(A_y))


def stability_number(problem: DiffusionAdvection, dt: float) -> Array:
    """Stability number c of every cell at the time step `dt`; the frozen-coefficient scheme is stable iff c <= 1."""
    m = mesh_numbers(problem, dt)
    return stability_of(m.A_x, m.A_y, m.B_x, m.B_y)


def largest_stable_dt(problem: DiffusionAdvection, raw: RAW | None = None) -> float:
    """Largest dt at which every cell passes the criterion: inf without velocity, 0 if no dt passes.

    Where the limiting cell has no diffusion the bound itself does not pass, and the result lies a billionth below.
    """
    return stable_dt(survey_of(problem, 1.0, raw))


def telegraph_tau(problem: DiffusionAdvection, dt: float) -> float:
    """Largest tau = dt^2 (Dx/dx^2 + Dy/dy^2) of any cell, in units of time.

    DuFort-Frankel is conditionally consistent: the scheme solves tau H_tt + H_t + ... = Dx H_xx + Dy H_yy + f, and
    converges to the diffusion-advection equation only if tau vanishes with the mesh.
    """
    return dt * survey_of(problem, dt).diffusion


def largest_consistent_dt(problem: DiffusionAdvection) -> float:
    r"""Largest dt that keeps tau small; inf without diffusion.

    On a mode (kx, ky) with rate r = -(Dx kx^2 + Dy ky^2) - i (u kx + v ky) the telegraph term costs tau r^2. Two bounds
    hold for every mode, by Cauchy-Schwarz:

        tau (Dx kx^2 + Dy ky^2)^2 <= (B_x + B_y)^2 (Dx dx^2 kx^4 + Dy dy^2 ky^4)
        tau (u kx + v ky)^2       <= c^2 (Dx kx^2 + Dy ky^2)

    The first is twelve (B_x + B_y)^2 times the truncation error of the central differences: B_x + B_y <= 1/sqrt(12)
    keeps it below that error (at equality, in one dimension, the two cancel). The second lowers the diffusivity by
    the fraction c^2 at most: c <= 0.1, where there is diffusion, keeps that to one per cent.
    """
    return consistent_dt(survey_of(problem, 1.0))


def stable_dt(unit: Survey) -> float:
    """Return what `largest_stable_dt` does, from a survey at dt = 1."""
    return 1.0 / unit.excess if unit.excess else math.inf


def consistent_dt(unit: Survey) -> float:
    """Return what `largest_consistent_dt` does, from a survey at dt = 1, with or without a filter."""
    worst = max(math.sqrt(12.0) * unit.diffusion, unit.consistent / CONSISTENT_NUMBER)
    return 1.0 / worst if worst else math.inf


def survey_of(problem: DiffusionAdvection, dt: float, raw: RAW | None = None) -> Survey:
    """Return the extremes of the mesh numbers at the time step `dt`, and of the criterion, a filtered run's if given.

    With a filter the stability number is taken relative to what the filter allows.
    """
    from solver.cpu.survey import Rule, survey

    dt = checks.real("dt", dt)
    (u, v, Dx, Dy, _), (dx, dy) = problem.fields(), problem.grid.spacing
    dtype = np.result_type(u, v, Dx, Dy)  # all is computed in double precision: no copy of the fields is needed for it
    rule = Rule(
        dt / dx,
        dt / dy,
        dt / dx**2,
        dt / dy**2,
        ADVECTION[problem.advection],
        DIFFUSION[problem.diffusion],
        raw.courant_limit if raw else None,
        raw.diffusion_limit if raw else None,
        MARGIN,
    )
    zero = np.zeros((), dtype)
    inputs = Inputs(zero, zero, zero, *(field.astype(dtype, copy=False) for field in (u, v, Dx, Dy)))
    return survey(inputs, problem.batch + problem.grid.shape, problem.mesh(dt), rule)


@dataclass(frozen=True)
class Verdict:
    """What the criterion says of a problem at a time step.

    Attributes
    ----------
    dt : float
        The time step judged.
    number : float
        Largest stability number of any cell.
    stable : bool
        Whether every cell passes, up to a rounding of the last digits.
    cell : tuple of int
        Where (batch indices first).
    mesh_numbers : (A_x, A_y, B_x, B_y)
        The numbers of that cell.
    largest_dt : float
        Largest dt that passes everywhere (0: none does).
    tau : float
        Consistency time at `dt`.
    raw : RAW or None
        The filter, if there is one; `number` is then relative to what it allows.
    """

    dt: float
    number: float
    stable: bool
    cell: tuple[int, ...]
    mesh_numbers: tuple[float, float, float, float]
    largest_dt: float
    tau: float
    raw: RAW | None = None

    def __str__(self) -> str:
        A_x, A_y, B_x, B_y = self.mesh_numbers
        where = f"cell {self.cell} (A_x = {A_x:.4g}, A_y = {A_y:.4g}, B_x = {B_x:.4g}, B_y = {B_y:.4g})"
        limit = f", relative to what {self.raw} allows," if self.raw else ""
        if self.stable:
            return f"dt = {self.dt:.6g} is stable: the largest stability number is {self.number:.4g}{limit} at {where}."
        if self.largest_dt > 0:
            remedy = f"dt <= {round_down(self.largest_dt):.6g} would pass."
        elif self.raw and self.raw.courant_limit == 0:
            remedy = "No dt passes: with alpha = 1/2 the filter lets every wave that travels grow. Take alpha = 0.53."
        else:
            remedy = (
                "No dt passes: there the flow crosses a direction without diffusion while the other direction has "
                "some. Make both diffusivities positive, or both zero."
            )
        number = f"{self.number:.4g}" if self.number > 1.001 else f"1 + {max(self.number - 1, 0):.1e}"
        return f"dt = {self.dt:.6g} is unstable: stability number {number}{limit} not below 1, at {where}. {remedy}"


def round_down(dt: float) -> float:
    """Return `dt` to six digits, never above it: a remedy that is copied from a message must pass."""
    unit = 10.0 ** (math.floor(math.log10(dt)) - 5)
    return math.floor(dt / unit * (1 - ROUNDING)) * unit


def judge(problem: DiffusionAdvection, dt: float, raw: RAW | None = None) -> Verdict:
    """Apply the criterion, that of a filtered run if a filter is given, to every cell and name the worst."""
    return verdict_of(survey_of(problem, dt, raw), problem, dt, raw)


def verdict_of(found: Survey, problem: DiffusionAdvection, dt: float, raw: RAW | None = None) -> Verdict:
    """Return what `judge` does, from the survey at `dt`, or one that is scaled to it."""
    shape = problem.batch + problem.grid.shape
    return Verdict(
        dt=dt,
        number=found.number,
        stable=found.excess <= 1 + ROUNDING,
        cell=tuple(int(i) for i in np.unravel_index(found.cell, shape)),
        mesh_numbers=found.mesh_numbers,
        largest_dt=dt / found.excess if found.excess else math.inf,
        tau=dt * found.diffusion,
        raw=raw,
    )
