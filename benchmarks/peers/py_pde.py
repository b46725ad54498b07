"""py-pde: the same right-hand side by its Numba backend and explicit Euler steps.

Another scheme than ours, first order in time with two levels: its error is measured against the same Euler steps in
float64, and its time is what one step of the simplest scheme costs there.

It compiles for half a minute, anew for every grid and dtype and in every process: its functions hold the grid and the
fields as constants, so that none can be kept, and each operator in the equation is compiled by itself. The divergence
of the velocity is therefore a field, which spares two operators of six.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pde

from benchmarks.case import Prepared, built_at_first_call
from benchmarks.problem import Problem
from solver.records import Array, Inputs


def forward(problem: Problem) -> Prepared:
    """Return K explicit Euler steps."""
    x, dt = problem.draw(), problem.mesh.dt
    rows, columns = problem.shape
    grid = pde.CartesianGrid([(0, rows), (0, columns)], [rows, columns], periodic=True)

    def field(values: Any) -> Any:
        return pde.ScalarField(grid, values, dtype=problem.dtype)

    named = {"u": x.u, "v": x.v, "w": divergence(x.u, x.v), "Dx": x.Dx, "Dy": x.Dy, "f": x.source}
    right_side = "Dx * d2_dx2(H) + Dy * d2_dy2(H) - u * d_dx(H) - v * d_dy(H) - w * H + f"
    start, t_end = field(x.now), problem.steps * dt

    def build() -> Callable[[], Any]:
        equation = pde.PDE({"H": right_side}, consts={name: field(values) for name, values in named.items()})
        stepper = pde.EulerSolver(equation, backend="numba").make_stepper(start, dt)

        def run() -> Any:
            state = start.copy()
            stepper(state, 0.0, t_end)
            return state

        return run

    return Prepared(
        built_at_first_call(build), lambda state: (state.data,), lambda: (problem.exact(partial(euler, problem)),)
    )


def divergence(u: Array, v: Array) -> Array:
    """Return u_x + v_y by central differences, periodic, spacing 1."""
    return (np.roll(u, -1, 0) - np.roll(u, 1, 0) + np.roll(v, -1, 1) - np.roll(v, 1, 1)) / 2


def euler(problem: Problem, inputs: Inputs) -> Array:
    """Return H after K explicit Euler steps, central differences, periodic."""
    H, _, f, u, v, Dx, Dy = inputs

    def after(a: Array, axis: int) -> Array:
        return np.roll(a, -1, axis)

    def before(a: Array, axis: int) -> Array:
        return np.roll(a, 1, axis)

    w = divergence(u, v)
    for _ in range(problem.steps):
        slopes = u * (after(H, 0) - before(H, 0)) / 2 + v * (after(H, 1) - before(H, 1)) / 2
        curvatures = Dx * (after(H, 0) - 2 * H + before(H, 0)) + Dy * (after(H, 1) - 2 * H + before(H, 1))
        H = H + problem.mesh.dt * (curvatures - slopes - w * H + f)
    return H
