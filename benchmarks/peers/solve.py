"""The whole `solver.solve`: plan, verdict, finite checks, the solution; what it costs over the bare kernel."""

from __future__ import annotations

import warnings

from benchmarks.case import Prepared
from benchmarks.problem import DT, Problem
from solver import DiffusionAdvection, Grid, StabilityWarning, solve
from solver.stability import ConsistencyWarning


def forward(problem: Problem) -> Prepared:
    """Solve from H[0] = H[-1], as the bare kernel beside it does."""
    inputs = problem.draw()
    rows, columns = problem.shape
    grid = Grid((rows, columns), (1.0, 1.0), problem.sides)
    velocity, diffusivity = (inputs.u, inputs.v), (inputs.Dx, inputs.Dy)
    equation = DiffusionAdvection(grid, velocity, diffusivity, inputs.source, advection="product")
    warnings.simplefilter("ignore", StabilityWarning)  # random velocities: a rate is measured, not a flow
    warnings.simplefilter("ignore", ConsistencyWarning)
    return Prepared(
        lambda: solve(equation, inputs.now, problem.steps * DT, dt=DT, start="copy"),
        lambda solution: (solution.fields[-1],),
    )
