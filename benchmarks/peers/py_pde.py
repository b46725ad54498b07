"""py-pde: the same right-hand side by its Numba backend and explicit Euler steps.

Another scheme than ours, first order in time with two levels: its error is measured against the same Euler steps in
float64, and its time is what one step of the simplest scheme costs there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pde

from benchmarks.case import Prepared
from benchmarks.problem import Problem
from solver.records import Array


def forward(problem: Problem) -> Prepared:
    """Return K explicit Euler steps."""
    x, dt = problem.draw(), problem.mesh.dt
    rows, columns = problem.shape
    grid = pde.CartesianGrid([(0, rows), (0, columns)], [rows, columns], periodic=True)

    def field(values: Any) -> Any:
        return pde.ScalarField(grid, values, dtype=problem.dtype)

    consts = {name: field(getattr(x, name)) for name in ("u", "v", "Dx", "Dy")} | {"f": field(x.source)}
    advection = "u * d_dx(H) + H * d_dx(u) + v * d_dy(H) + H * d_dy(v)"
    equation = pde.PDE({"H": f"Dx * d2_dx2(H) + Dy * d2_dy2(H) - ({advection}) + f"}, consts=consts)
    solver = pde.EulerSolver(equation, backend="numba")
    start, t_end = field(x.now), problem.steps * dt
    stepper = solver.make_stepper(start, dt)

    def run() -> Any:
        state = start.copy()
        stepper(state, 0.0, t_end)
        return state

    return Prepared(run, lambda state: (state.data,), lambda: (euler(problem),))


def euler(problem: Problem) -> Array:
    """Return H after K explicit Euler steps in float64, central differences, periodic."""
    x = [np.broadcast_to(array, problem.shape).astype(np.float64) for array in problem.draw()]
    H, _, f, u, v, Dx, Dy = x

    def after(a: Array, axis: int) -> Array:
        return np.roll(a, -1, axis)

    def before(a: Array, axis: int) -> Array:
        return np.roll(a, 1, axis)

    divergence = (after(u, 0) - before(u, 0) + after(v, 1) - before(v, 1)) / 2
    for _ in range(problem.steps):
        slopes = u * (after(H, 0) - before(H, 0)) / 2 + v * (after(H, 1) - before(H, 1)) / 2
        curvatures = Dx * (after(H, 0) - 2 * H + before(H, 0)) + Dy * (after(H, 1) - 2 * H + before(H, 1))
        H = H + problem.mesh.dt * (curvatures - slopes - divergence * H + f)
    return H
