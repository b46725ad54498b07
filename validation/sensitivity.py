"""Sensitivities of a run: the derivatives of a functional with respect to every coefficient in every cell.

One run forward and one adjoint run back give all of them, by `solver.backends` on NumPy arrays alone. The functional
may look at several times: the run is cut into segments there, the levels at each cut are kept (within a segment the
adjoint keeps its own checkpoints), and on the way back the functional's derivative joins the cotangent at each cut.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from solver import DiffusionAdvection, backends
from solver.records import Inputs, Levels
from validation.problems.base import Field


class Segment(NamedTuple):
    """So many steps of this length."""

    dt: float
    steps: int


@dataclass(frozen=True)
class Trajectory:
    """A run in segments.

    Parameters
    ----------
    problem
        Steady.
    segments
        One after another; the first one's first step copies H[-1] = H[0].
    levels
        H[k] and H[k-1] at the beginning of each segment, and at the end of the last: one more than segments.
    """

    problem: DiffusionAdvection
    segments: Sequence[Segment]
    levels: Sequence[Levels]

    @property
    def seen(self) -> list[Field]:
        """H at the end of each segment, each (..., rows, columns)."""
        return [levels.now for levels in self.levels[1:]]


def run_forward(problem: DiffusionAdvection, initial: Field, segments: Sequence[Segment]) -> Trajectory:
    """Run through the segments and keep the levels between them."""
    levels = [Levels(initial, initial)]
    fields = problem.held(initial.dtype)
    for dt, steps in segments:
        levels.append(backends.get("auto").forward(levels[-1], fields, problem.mesh(dt), steps))
    return Trajectory(problem, segments, levels)


def pull_back(trajectory: Trajectory, cotangents: Sequence[Field]) -> Inputs:
    """Return the derivatives of a functional of what is seen at the ends of the segments.

    Parameters
    ----------
    trajectory
        The run.
    cotangents
        Derivative of the functional with respect to each of ``trajectory.seen``.

    Returns
    -------
    Inputs
        For u, v, Dx, Dy and the source of the problem, each in its own shape; ``now`` is that for the initial field,
        which makes both first levels, and ``old`` is zero.
    """
    problem = trajectory.problem
    dtype = trajectory.levels[0].now.dtype
    fields = problem.held(dtype)
    total = Inputs(*(np.zeros_like(a) for a in Inputs.of(trajectory.levels[0], fields)))
    back = Levels(*(np.zeros_like(level) for level in trajectory.levels[-1]))
    parts = zip(trajectory.segments, trajectory.levels[:-1], cotangents, strict=True)
    for (dt, steps), levels, cotangent in reversed(list(parts)):
        back = Levels(back.now + cotangent, back.old)
        found = backends.get("auto").adjoint(back, levels, fields, problem.mesh(dt), steps)
        total = Inputs(*(a + b for a, b in zip(total, found, strict=True)))
        back = Levels(found.now, found.old)
    return total._replace(now=back.now + back.old, old=np.zeros_like(back.old))


def central_difference(function: Callable[[float], float], step: float) -> float:
    """Return the derivative at 0 by central differences of order 4, from 2 x 2 values ``step`` and 2 ``step`` away."""
    near, far = function(step) - function(-step), function(2 * step) - function(-2 * step)
    return (8 * near - far) / (12 * step)
