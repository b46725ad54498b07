"""Refinement studies: the error along a path of refinement, and the order fitted to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Literal, TypeVar

import numpy as np

from solver import solve, stability
from solver.starting import tendency
from validation.norms import relative_error
from validation.problems import AnalyticProblem, HeatKernel, Mode, TelegraphMode
from validation.problems.base import Field

P = TypeVar("P", bound=AnalyticProblem)
Start = Literal["heun", "euler", "copy"]


class Path(Enum):
    """How dt and dx shrink together; the value is the caption."""

    DIFFUSIVE = "dt ~ dx²"
    HYPERBOLIC = "dt ~ dx"
    TIME = "dt alone, fixed grid"


@dataclass(frozen=True)
class Refinement:
    """A path of refinement.

    Parameters
    ----------
    path
        How dt and dx shrink together.
    dt
        Time step on the coarsest level, where the factor is 1.
    t_end
        Time at which the error is taken, a multiple of ``dt``.
    factors
        Whole numbers that dx is divided by (along TIME: dt is).
    """

    path: Path
    dt: float
    t_end: float
    factors: Sequence[int] = (1, 2, 4, 8)

    def level(self, analytic: P, factor: int) -> tuple[P, float]:
        """Return the problem and the time step at ``factor``."""
        match self.path:
            case Path.DIFFUSIVE:
                return analytic.refined(factor), self.dt / factor**2
            case Path.HYPERBOLIC:
                return analytic.refined(factor), self.dt / factor
            case Path.TIME:
                return analytic, self.dt / factor


@dataclass(frozen=True)
class Convergence:
    """Errors along a path of refinement, coarse to fine.

    Parameters
    ----------
    path, start
        How it was refined, and the start of the scheme.
    rows
        Grid points along x.
    dx, dt
        Spacing along x and time step.
    errors
        L2 norm of the error over that of the reference, at the final time.
    """

    path: Path
    start: Start
    rows: tuple[int, ...]
    dx: tuple[float, ...]
    dt: tuple[float, ...]
    errors: tuple[float, ...]

    @property
    def sizes(self) -> tuple[float, ...]:
        """What the order refers to: dt along the path in time, else dx."""
        return self.dt if self.path is Path.TIME else self.dx

    @property
    def order(self) -> float:
        """Slope of the straight line fitted to log error against log size."""
        return float(np.polyfit(np.log(self.sizes), np.log(self.errors), 1)[0])

    @property
    def local_orders(self) -> tuple[float, ...]:
        """Slope between each level and the next finer one."""
        slopes = np.diff(np.log(self.errors)) / np.diff(np.log(self.sizes))
        return tuple(float(slope) for slope in slopes)


def against_equation(analytic: AnalyticProblem, dt: float, start: Start, t: float) -> Field:
    """Return the exact solution of the diffusion-advection equation."""
    return analytic.exact(t)


def against_semi_discrete(analytic: Mode | HeatKernel, dt: float, start: Start, t: float) -> Field:
    """Return the solution discrete in space only: what is left is the error of the time stepping."""
    return analytic.semi_discrete(t)


def against_method_of_lines(analytic: AnalyticProblem, dt: float, start: Start, t: float) -> Field:
    """Return the same for any problem, by scipy's Runge-Kutta method of order eight, to ten digits."""
    return _method_of_lines(analytic, t)


@cache
def _method_of_lines(analytic: AnalyticProblem, t: float) -> Field:
    from scipy.integrate import solve_ivp

    problem, H = analytic.problem, analytic.exact(0.0)

    def rate(at: float, flat: Field) -> Field:
        return np.ravel(tendency(problem, flat.reshape(H.shape), at))

    solved = solve_ivp(rate, (0.0, t), H.ravel(), method="DOP853", rtol=1e-10, atol=1e-12)
    final: Field = solved.y[:, -1].reshape(H.shape)
    return final


def against_telegraph(mode: Mode, dt: float, start: Start, t: float) -> Field:
    """Return the solution of the telegraph equation that starts as the scheme starts."""
    return telegraph_of(mode, dt, start).exact(t)


def telegraph_of(mode: Mode, dt: float, start: Start) -> TelegraphMode:
    """Return the telegraph mode that the scheme approximates with time step ``dt`` and ``start``.

    Raises
    ------
    ValueError
        If ``start`` is "euler": its error in H[1] depends on the substeps that the solver chooses.
    """
    z = dt * mode.rate
    match start:
        case "heun":
            second = (dt, 1 + z + z**2 / 2)
        case "copy":
            second = (-dt, 1 + 0j)
        case "euler":
            raise ValueError(f"`start` is {start!r}, but the telegraph limit is known for 'heun' and 'copy'")
    tau = stability.telegraph_tau(mode.problem, dt)
    return TelegraphMode(of=mode, tau=tau, second_level=second)


def converge(
    analytic: P,
    refinement: Refinement,
    *,
    start: Start = "heun",
    reference: Callable[[P, float, Start, float], Field] = against_equation,
) -> Convergence:
    """Solve ``analytic`` on every level of ``refinement`` and compare with ``reference`` at the end.

    Parameters
    ----------
    analytic
        The problem on its coarsest grid.
    refinement
        Path, first time step, final time, factors.
    start
        How the scheme makes its second level.
    reference
        Gives the field to compare with from (problem, dt, start, t): one of the ``against_`` functions.
    """
    levels = [refinement.level(analytic, factor) for factor in refinement.factors]
    errors = []
    for problem, dt in levels:
        solution = solve(problem.problem, problem.exact(0.0), refinement.t_end, dt=dt, start=start)
        expected = reference(problem, dt, start, refinement.t_end)
        errors.append(relative_error(solution.final, expected, problem.grid))
    return Convergence(
        path=refinement.path,
        start=start,
        rows=tuple(problem.rows for problem, _ in levels),
        dx=tuple(problem.grid.spacing[0] for problem, _ in levels),
        dt=tuple(dt for _, dt in levels),
        errors=tuple(errors),
    )
