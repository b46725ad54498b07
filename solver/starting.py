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

from solver.backends import Backend
from solver.finite import are_large
from solver.neighbours import east, north, south, west
from solver.planning import unit_survey
from solver.problem import DiffusionAdvection
from solver.records import ADVECTION, DIFFUSION, DIRICHLET, Array, Fields, Levels
from solver.stability import diffusion_numbers
from solver.walls import on_walls, wall_cells

STARTS = ("heun", "euler", "copy")
MOST_SUBSTEPS = 1000  # of the first step: more take longer than the run, without a word


def tendency(problem: DiffusionAdvection, H: Array, t: float = 0.0) -> Array:
    """Return dH/dt of the semi-discrete equation, central differences in space: the method of lines of the scheme.

    dH/dt = -(u H)_x - (v H)_y + Dx H_xx + Dy H_yy + f in the forms and with the boundary of the problem, at time `t`;
    zero on Dirichlet walls. `H` is (..., rows, columns).
    """
    problem = problem.at(t)
    H = np.asarray(H)
    H = np.broadcast_to(
        H if H.dtype == np.float32 else H.astype(np.float64), np.broadcast_shapes(H.shape, problem.batch + H.shape[-2:])
    )
    u, v, Dx, Dy, f = _full(problem, H)
    kinds, (dx, dy) = problem.grid.sides.kinds, problem.grid.spacing
    s, d = ADVECTION[problem.advection], DIFFUSION[problem.diffusion]
    rate = f.copy()
    for velocity, D, before, after, spacing in ((u, Dx, north, south, dx), (v, Dy, west, east, dy)):
        u_before, u_after = before(velocity, kinds, -1), after(velocity, kinds, -1)
        H_before, H_after = before(H, kinds), after(H, kinds)
        carried = ((1 - s) * velocity + s * u_after) * H_after - ((1 - s) * velocity + s * u_before) * H_before
        rate -= (carried + (1 - s) * (u_after - u_before) * H) / (2 * spacing)
        D_before, D_after = ((1 - d) * D + d * beyond(D, kinds) for beyond in (before, after))
        rate += (D_before * (H_before - H) + D_after * (H_after - H)) / spacing**2
    return np.where(wall_cells(kinds, H.shape[-2:]), 0, rate)


def first_step(problem: DiffusionAdvection, H: Array, dt: float, start: str, engine: Backend) -> Array:
    """Return H[1] from H[0] by ``"heun"`` or ``"euler"``; on Dirichlet walls it holds their values.

    Heun's step is the mean of H[0] and of what two of Euler's steps make of it.
    """
    substeps = max(1, math.ceil(2 * _largest_B(problem, dt) - 1e-9))
    if substeps > MOST_SUBSTEPS:
        raise ValueError(
            f"`start` {start!r} would need {substeps} explicit substeps, because B_x + B_y is {substeps / 2:.4g}: it "
            f"takes at most {MOST_SUBSTEPS}. Use a smaller `dt`, or start='copy'."
        )
    h, half_L = dt / substeps, _half_L(problem, dt, substeps, H.dtype)
    for k in range(substeps):
        stepped = euler_step(problem.at(k * h), H, h, half_L, engine)
        if start == "heun":
            stepped = euler_step(problem.at((k + 1) * h), stepped, h, half_L, engine, H)
        H = stepped
    return H


def _largest_B(problem: DiffusionAdvection, dt: float) -> float:
    """Return the largest B_x + B_y; of a problem that moves, too, the diffusivities stay what they are."""
    if problem.steady:
        return dt * unit_survey(problem, None).diffusion
    B_x, B_y = diffusion_numbers(problem, dt)
    return float(np.max(B_x + B_y))


def _half_L(problem: DiffusionAdvection, dt: float, substeps: int, dtype: np.dtype) -> Array:
    """Return 1/2 + B_x + B_y of a substep, half of L: computed in double precision and rounded once."""
    _, _, Dx, Dy, _ = problem.fields()
    kinds, (dx, dy) = problem.grid.sides.kinds, problem.grid.spacing
    if are_large(Dx, Dy) and not (DIFFUSION[problem.diffusion] or DIRICHLET in kinds):
        from solver.cpu.explicit import half_L

        return half_L((Dx, Dy), (dt / dx**2, dt / dy**2), 1 / substeps, dtype)
    B_x, B_y = diffusion_numbers(problem, dt)
    B = np.asarray(B_x + B_y)
    B *= 1 / substeps
    B += 0.5
    return B.astype(dtype, copy=False)


def euler_step(
    problem: DiffusionAdvection, H: Array, h: float, half_L: Array, engine: Backend, begin: Array | None = None
) -> Array:
    """Return H + h dH/dt of the semi-discrete equation, made from a step of the scheme, or its mean with `begin`.

    With H[k-1] = H[k] = H a step of length h gives L (H[k+1] - H) = 2 h dH/dt, L = 1 + 2 B_x + 2 B_y, of which
    `half_L` is half.
    """
    stepped = engine.forward(Levels(H, H), problem.held(H.dtype), problem.mesh(h), 1).now
    kinds = problem.grid.sides.kinds
    if (are_large(stepped, H, half_L) or (half_L.size == 1 and are_large(stepped, H))) and DIRICHLET not in kinds:
        from solver.cpu.explicit import relax

        relax(stepped, H, half_L, begin)
        return stepped
    stepped -= H
    stepped *= half_L
    stepped += H
    if DIRICHLET in kinds:
        stepped = np.where(wall_cells(kinds, H.shape[-2:]), H, stepped)
    if begin is not None:
        stepped += begin
        stepped *= 0.5
    return stepped


def hold_initial(problem: DiffusionAdvection, H: Array) -> Array:
    """Return `H` with the values of the Dirichlet walls on them, where they hold from t = 0 on."""
    return on_walls(H, problem.grid.sides, problem.grid.shape).astype(H.dtype, copy=False)


def _full(problem: DiffusionAdvection, H: Array) -> Fields:
    """Return the coefficients in the dtype of H, each with rows and columns, so that they can be differenced."""
    shape = H.shape[-2:]
    return Fields(*(np.broadcast_to(c, np.broadcast_shapes(c.shape, shape, H.shape)) for c in problem.fields(H.dtype)))
