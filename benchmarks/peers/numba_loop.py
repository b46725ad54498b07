"""A straightforward Numba loop, one sweep over the memory per step: the bar for a grid.

Coefficients are computed on the fly, so that eight words a cell move; H[k+1] takes the place of H[k-1]; the neighbours
of the first and the last column are done apart, so that the inner loop has no `%`; rows, or planes, go to threads by
prange. Nobody has to know more than Numba's manual to write it.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from benchmarks.case import Prepared
from benchmarks.problem import CONSTANT, Problem

COMPILE: Any = {"error_model": "numpy", "fastmath": {"contract", "nsz"}, "nogil": True}


def forward(problem: Problem) -> Prepared:
    """Return K steps; planes, with K within, or rows are shared out."""
    x = problem.draw()
    scalars = _scalars(problem)
    if problem.coefficients == CONSTANT:
        a, p = scalars[0] * x.u, scalars[1] * x.Dx
        b, q = scalars[0] * x.v, scalars[1] * x.Dy
        weights = tuple(n / (1 + p + q) for n in (1 - p - q, p + a, p - a, q + b, q - b, scalars[1]))
        return Prepared(
            lambda: constant_steps(x.now.copy(), x.old.copy(), x.source, weights, problem.steps), lambda out: (out,)
        )
    if problem.is_grid:
        fields = (x.u, x.v, x.Dx, x.Dy, x.source)
        return Prepared(
            lambda: grid_steps(x.now.copy(), x.old.copy(), fields, scalars, problem.steps), lambda out: (out,)
        )
    planes = tuple(array.reshape(-1, *problem.shape[-2:]) for array in x)
    return Prepared(
        lambda: plane_steps(np.empty_like(planes[0]), planes, scalars, problem.steps),
        lambda out: (out.reshape(problem.shape),),
    )


def _scalars(problem: Problem) -> tuple[np.generic, np.generic, np.generic]:
    """Return dt, 2 dt and 1 in the dtype of the fields."""
    dtype = np.dtype(problem.dtype).type
    return dtype(problem.mesh.dt), dtype(2 * problem.mesh.dt), dtype(1)


@numba.njit(inline="always", **COMPILE)
def cell(old, H, fields, r, i, n, s, j, w, e):
    """Return H[k+1] of cell (i, j), whose neighbours lie in rows n and s and columns w and e."""
    u, v, Dx, Dy, f = fields
    dt, two_dt, one = r
    a, b, p, q = dt * u[i, j], dt * v[i, j], two_dt * Dx[i, j], two_dt * Dy[i, j]
    divergence = dt * (u[s, j] - u[n, j] + v[i, e] - v[i, w])
    return (
        (one - p - q) * old[i, j]
        - divergence * H[i, j]
        + (p + a) * H[n, j]
        + (p - a) * H[s, j]
        + (q + b) * H[i, w]
        + (q - b) * H[i, e]
        + two_dt * f[i, j]
    ) / (one + p + q)


@numba.njit(inline="always", **COMPILE)
def row(new, old, H, fields, r, i):
    """Write row i of H[k+1] to `new`, which may be H[k-1]."""
    rows, columns = H.shape
    n, s = i - 1 if i else rows - 1, i + 1 if i + 1 < rows else 0
    last = columns - 1
    new[i, 0] = cell(old, H, fields, r, i, n, s, 0, last, min(1, last))
    for j in range(1, last):
        new[i, j] = cell(old, H, fields, r, i, n, s, j, j - 1, j + 1)
    if last:
        new[i, last] = cell(old, H, fields, r, i, n, s, last, last - 1, 0)


@numba.njit(parallel=True, **COMPILE)
def grid_steps(now, old, fields, r, steps):
    """Advance a grid in place and return H[K]."""
    for _ in range(steps):
        for i in numba.prange(now.shape[0]):
            row(old, old, now, fields, r, i)
        now, old = old, now
    return now


@numba.njit(parallel=True, **COMPILE)
def plane_steps(out, planes, r, steps):
    """Advance each plane by all its steps while it is in cache."""
    now, old, f, u, v, Dx, Dy = planes
    rows = now.shape[1]
    for p in numba.prange(now.shape[0]):
        fields = (u[p], v[p], Dx[p], Dy[p], f[p])
        H, before = now[p], old[p]
        buffers = (np.empty_like(H), np.empty_like(H))
        for k in range(steps):
            new = out[p] if k == steps - 1 else buffers[k % 2]
            for i in range(rows):
                row(new, before, H, fields, r, i)
            before, H = H, new
    return out


@numba.njit(parallel=True, **COMPILE)
def constant_steps(now, old, f, weights, steps):
    """Advance a grid with constant coefficients: four words a cell."""
    rows, columns = now.shape
    for _ in range(steps):
        for i in numba.prange(rows):
            n, s = i - 1 if i else rows - 1, i + 1 if i + 1 < rows else 0
            for j in range(columns):
                w, e = j - 1 if j else columns - 1, j + 1 if j + 1 < columns else 0
                if 0 < j < columns - 1:
                    continue
                old[i, j] = constant_cell(old, now, f, weights, i, n, s, j, w, e)
            for j in range(1, columns - 1):
                old[i, j] = constant_cell(old, now, f, weights, i, n, s, j, j - 1, j + 1)
        now, old = old, now
    return now


@numba.njit(inline="always", **COMPILE)
def constant_cell(old, H, f, weights, i, n, s, j, w, e):
    """Return H[k+1] of a cell from six numbers."""
    m, north, south, west, east, forcing = weights
    neighbours = north * H[n, j] + south * H[s, j] + west * H[i, w] + east * H[i, e]
    return m * old[i, j] + neighbours + forcing * f[i, j]
