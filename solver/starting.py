"""How a three-level scheme makes its first step.

The scheme needs H[-1] or H[1] beside H[0].

* ``"heun"``: H[1] by Heun's method on the semi-discrete equation; keeps order 2.
* ``"euler"``: H[1] by explicit Euler; keeps order 2, because the error is made once.
* ``"copy"``: H[-1] = H[0], as published for the layer; order 1, and it excites the computational mode.

Explicit methods have a diffusive limit that the scheme itself has not: where B_x + B_y exceeds 1/2, the first step is
made of as many substeps as bring it below.
"""

from __future__ import annotations

import math

import numpy as np

from solver.problem import DiffusionAdvection
from solver.records import Array, Fields
from solver.stability import mesh_numbers

STARTS = ("heun", "euler", "copy")
MOST_SUBSTEPS = 1000  # of the first step: more take longer than the run, without a word


def tendency(problem: DiffusionAdvection, H: Array) -> Array:
    """Return dH/dt of the semi-discrete equation, central differences in space.

    dH/dt = -u H_x - v H_y - (u_x + v_y) H + Dx H_xx + Dy H_yy + f, for `H` of shape (..., rows, columns); the method
    of lines that the scheme is a time discretisation of.
    """
    u, v, Dx, Dy, f = _full(problem, H)
    dx, dy = problem.grid.spacing
    north, south = np.roll(H, 1, -2), np.roll(H, -1, -2)
    west, east = np.roll(H, 1, -1), np.roll(H, -1, -1)
    u_x = (np.roll(u, -1, -2) - np.roll(u, 1, -2)) / (2 * dx)
    v_y = (np.roll(v, -1, -1) - np.roll(v, 1, -1)) / (2 * dy)
    rate: Array = (
        -u * (south - north) / (2 * dx)
        - v * (east - west) / (2 * dy)
        - (u_x + v_y) * H
        + Dx * (north - 2 * H + south) / dx**2
        + Dy * (west - 2 * H + east) / dy**2
        + f
    )
    return rate


def first_step(problem: DiffusionAdvection, H: Array, dt: float, start: str) -> Array:
    """Return H[1] from H[0] by ``"heun"`` or ``"euler"``."""
    m = mesh_numbers(problem, dt)
    substeps = max(1, math.ceil(2 * float(np.max(m.B_x + m.B_y)) - 1e-9))
    if substeps > MOST_SUBSTEPS:
        raise ValueError(
            f"`start` {start!r} would need {substeps} explicit substeps, because B_x + B_y is {substeps / 2:.4g}: it "
            f"takes at most {MOST_SUBSTEPS}. Use a smaller `dt`, or start='copy'."
        )
    h = dt / substeps
    for _ in range(substeps):
        rate = tendency(problem, H)
        if start == "heun":
            rate = (rate + tendency(problem, H + h * rate)) / 2
        H = H + h * rate
    return H


def _full(problem: DiffusionAdvection, H: Array) -> Fields:
    """Return the coefficients in the dtype of H, each with rows and columns, so that they can be differenced."""
    shape = H.shape[-2:]
    return Fields(*(np.broadcast_to(c, np.broadcast_shapes(c.shape, shape)) for c in problem.fields(H.dtype)))
