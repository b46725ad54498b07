"""Refinement studies: the error along a path of refinement, and the order fitted to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal, TypeVar

import numpy as np

from solver import solve, stability
from validation.problems import AnalyticProblem, FourierMode, TelegraphMode
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
        Discrete L2 norm of the error over that of the reference, at the final time.
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


def against_semi_discrete(mode: FourierMode, dt: float, start: Start, t: float) -> Field:
    """Return the solution discrete in space only: what is left is the error of the time stepping."""
    return mode.semi_discrete(t)


def against_telegraph(mode: FourierMode, dt: float, start: Start, t: float) -> Field:
    """Return the solution of the telegraph equation that starts as the scheme starts."""
    return telegraph_of(mode, dt, start).exact(t)


def telegraph_of(mode: FourierMode, dt: float, start: Start) -> TelegraphMode:
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
    return TelegraphMode(fourier=mode, tau=tau, second_level=second)


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
        errors.append(relative_error(solution.final, expected))
    return Convergence(
        path=refinement.path,
        start=start,
        rows=tuple(problem.rows for problem, _ in levels),
        dx=tuple(problem.grid.spacing[0] for problem, _ in levels),
        dt=tuple(dt for _, dt in levels),
        errors=tuple(errors),
    )


def relative_error(computed: Field, expected: Field) -> float:
    """Return the discrete L2 norm of the difference over that of ``expected``."""
    return float(np.linalg.norm(computed - expected) / np.linalg.norm(expected))
