"""Devito: generated C with OpenMP. It has no periodic boundary, so two more equations copy the borders at each step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import devito
import numpy as np

from benchmarks.case import Prepared, built_at_first_call
from benchmarks.problem import Problem
from solver.records import Array

GHOST = 1


class _Inner(devito.SubDomain):  # type: ignore[misc]
    """The cells, without their periodic border."""

    name = "inner"

    def define(self, dimensions: Any) -> dict[Any, Any]:
        return dict.fromkeys(dimensions, ("middle", GHOST, GHOST))


def forward(problem: Problem) -> Prepared:
    """Return K steps of an operator; the coefficients are computed on the fly."""
    x, steps = problem.draw(), problem.steps
    rows, columns = problem.shape
    dtype = np.dtype(problem.dtype).type
    padded = (rows + 2, columns + 2)
    grid = devito.Grid(padded, extent=(rows + 1, columns + 1), dtype=dtype)
    inner = _Inner(grid=grid)
    i, j = grid.dimensions
    t = grid.stepping_dim
    H = devito.TimeFunction(name="H", grid=grid, time_order=2, space_order=2)
    u, v, Dx, Dy, f = (_field(name, grid, getattr(x, name)) for name in ("u", "v", "Dx", "Dy", "source"))
    dt = devito.Constant(name="step", dtype=dtype, value=dtype(problem.mesh.dt))

    a, b, p, q = dt * u, dt * v, 2 * dt * Dx, 2 * dt * Dy
    divergence = dt * (u[i + 1, j] - u[i - 1, j] + v[i, j + 1] - v[i, j - 1])
    update = (
        (1 - p - q) * H[t - 1, i, j]
        - divergence * H[t, i, j]
        + (p + a) * H[t, i - 1, j]
        + (p - a) * H[t, i + 1, j]
        + (q + b) * H[t, i, j - 1]
        + (q - b) * H[t, i, j + 1]
        + 2 * dt * f
    ) / (1 + p + q)
    border = [
        devito.Eq(H[t + 1, 0, j], H[t + 1, rows, j]),
        devito.Eq(H[t + 1, rows + 1, j], H[t + 1, 1, j]),
        devito.Eq(H[t + 1, i, 0], H[t + 1, i, columns]),
        devito.Eq(H[t + 1, i, columns + 1], H[t + 1, i, 1]),
    ]
    now, old = np.pad(x.now, GHOST, "wrap"), np.pad(x.old, GHOST, "wrap")

    def build() -> Callable[[], Array]:
        operator = devito.Operator([devito.Eq(H.forward, update, subdomain=inner), *border])

        def run() -> Array:
            H.data[0], H.data[1] = old, now
            operator.apply(time_m=1, time_M=steps)
            return np.asarray(H.data[(steps + 1) % 3])

        return run

    return Prepared(built_at_first_call(build), lambda result: (result[1:-1, 1:-1],))


def _field(name: str, grid: Any, values: Array) -> Any:
    """Return a field with its periodic border filled."""
    function = devito.Function(name=name, grid=grid, space_order=2)
    function.data[:] = np.pad(values, GHOST, "wrap")
    return function
