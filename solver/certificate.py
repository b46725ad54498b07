r"""A proof of stability for variable coefficients, where there is one.

In the skew-symmetric form of the advection with the flux form of the diffusion, and a velocity whose discrete
divergence is zero, a step reads, with e the faces of cell i and j the cell beyond,

    (1 + b_i) H_i[k+1] = (1 - b_i) H_i[k-1] + sum_e (b_e -/+ A_e) H_j[k],    b_i = sum_e b_e / 2,

b_e = 2 D_e dt/dx^2 and A_e = u_e dt/dx of the means on the face. Multiply a mode g^k x by its conjugate and sum: with
|x| = 1, w_e = conj(x_i) x_j and b = sum_i b_i |x_i|^2,

    (1 + b) g^2 - 2 z g - (1 - b) = 0,    z = sum_e b_e Re w_e - i sum_e A_e Im w_e,

and |g| <= 1 if (Re z / b)^2 + (Im z)^2 <= 1. By Cauchy-Schwarz, with sum_e b_e |w_e| <= b, that holds if b g <= 1 for

    g = sum_e (A_e^2 / b_e) |w_e| <= sum_i g_i |x_i|^2,    g_i = sum_e (A_e^2 / b_e) / 2,

and so, because sqrt(b g) <= (s b + g / s) / 2 for any s > 0, if

    min_s max_i (s b_i + g_i / s) / 2 <= 1.

For constant coefficients this is the exact criterion. It holds on the periodic plane, between no-flux walls (where
A_e = 0) and between Dirichlet walls (where x_j = 0).
"""

from __future__ import annotations

import numpy as np

from solver import checks
from solver.neighbours import east, north, south, west
from solver.problem import DiffusionAdvection
from solver.records import Array
from solver.walls import wall_cells

GOLDEN = (5**0.5 - 1) / 2
ROUNDING = 1e-12  # of the velocities: a discrete divergence below it is zero


def proven_number(problem: DiffusionAdvection, dt: float) -> float:
    """Return min_s max_i (s b_i + g_i / s) / 2: up to 1 no mode grows, whatever the diffusivity and the velocity.

    Infinite where the proof says nothing: unless ``advection="skew"`` and ``diffusion="flux"`` (or a constant
    diffusivity, for which the forms of the diffusion agree), if the discrete divergence of the velocity is not zero, or
    if a face that the flow crosses has no diffusion. At t = 0 if the problem is not steady; the largest over a batch.
    """
    dt = checks.real("dt", dt)
    u, v, Dx, Dy, _ = (np.broadcast_to(c, problem.batch + problem.grid.shape) for c in problem.fields(np.float64))
    (dx, dy), kinds = problem.grid.spacing, problem.grid.sides.kinds
    free = ~wall_cells(kinds, problem.grid.shape)
    divergence = (south(u, kinds, -1) - north(u, kinds, -1)) / dx + (east(v, kinds, -1) - west(v, kinds, -1)) / dy
    speed = max(float(np.abs(u).max()) / dx, float(np.abs(v).max()) / dy)
    constant = all(np.array_equal(D.min(axis=(-2, -1)), D.max(axis=(-2, -1))) for D in (Dx, Dy))
    if problem.advection != "skew" or not (problem.diffusion == "flux" or constant):
        return np.inf
    if speed and float(np.abs(divergence[..., free]).max()) > ROUNDING * speed:
        return np.inf

    b, g = np.zeros(u.shape), np.zeros(u.shape)
    for velocity, D, spacing, towards in ((u, Dx, dx, (north, south)), (v, Dy, dy, (west, east))):
        for beyond in towards:
            A_e = (velocity + beyond(velocity, kinds, -1)) / 2 * (dt / spacing)
            b_e = (D + beyond(D, kinds)) / 2 * (2 * dt / spacing**2)
            with np.errstate(divide="ignore", invalid="ignore"):
                g += np.where(A_e == 0, 0.0, A_e**2 / b_e) / 2
            b += b_e / 2
    planes = zip(b[..., free].reshape(-1, free.sum()), g[..., free].reshape(-1, free.sum()), strict=True)
    return max(_least_bound(of_plane, towards) for of_plane, towards in planes)


def _least_bound(b: Array, g: Array) -> float:
    """Return min over s of max_i (s b_i + g_i / s) / 2, a convex function of log s, by golden section.

    Every s gives a bound that is proven, so nothing hangs on the last digits of the best one.
    """
    if not np.isfinite(g).all():
        return float(np.inf)
    if not g.any():
        return 0.0

    def bound(log_s: float) -> float:
        s = np.exp(log_s)
        return float(np.max(s * b + g / s) / 2)

    # At the least bound a rising term meets a falling one: s^2 is some g_i over some b_j.
    low, high = np.log(g[g > 0].min() / b.max()) / 2, np.log(g.max() / b[b > 0].min()) / 2
    for _ in range(60):
        left, right = high - (high - low) * GOLDEN, low + (high - low) * GOLDEN
        low, high = (low, right) if bound(left) < bound(right) else (left, high)
    return min(bound(low), bound(high))
