"""The scheme in plain NumPy, slow and obvious: the oracle that every kernel is compared with."""

from __future__ import annotations

import numpy as np

from solver.neighbours import (
    east,
    east_transposed,
    north,
    north_transposed,
    south,
    south_transposed,
    west,
    west_transposed,
)
from solver.records import (
    Array,
    Coefficients,
    Fields,
    Inputs,
    Levels,
    Mesh,
    Ratios,
    common_shape,
    sum_to_shape,
)
from solver.walls import wall_cells

NAME = "numpy"


def _faces(fields: Fields, mesh: Mesh) -> tuple[Coefficients, Array]:
    """Return the numerators of the coefficients, and b."""
    u, v, Dx, Dy, f = fields
    r, kinds = Ratios.of(mesh, u.dtype), mesh.boundary
    s, d = r.velocity_share, r.diffusivity_share
    A_x, A_y, b_x, b_y = r.x * u, r.y * v, r.xx * Dx, r.yy * Dy
    A_N, A_S = ((1 - s) * A_x + s * beyond(A_x, kinds, -1) for beyond in (north, south))
    A_W, A_E = ((1 - s) * A_y + s * beyond(A_y, kinds, -1) for beyond in (west, east))
    b_N, b_S = ((1 - d) * b_x + d * beyond(b_x, kinds) for beyond in (north, south))
    b_W, b_E = ((1 - d) * b_y + d * beyond(b_y, kinds) for beyond in (west, east))
    b = (b_N + b_S + b_W + b_E) / 2
    divergence = (south(A_x, kinds, -1) - north(A_x, kinds, -1)) + (east(A_y, kinds, -1) - west(A_y, kinds, -1))
    numerators = Coefficients(
        old=1 - b,
        centre=-(1 - s) * divergence,
        north=b_N + A_N,
        south=b_S - A_S,
        west=b_W + A_W,
        east=b_E - A_E,
        forcing=r.source * f,
    )
    return numerators, b


def assemble(fields: Fields, mesh: Mesh) -> Coefficients:
    """Return the seven coefficients per cell, from fields of one common shape.

    On a Dirichlet wall H[k+1] is what the source plane holds there.
    """
    numerators, b = _faces(fields, mesh)
    on_wall = wall_cells(mesh.boundary, b.shape[-2:])
    c = Coefficients(*(np.where(on_wall, 0, numerator / (1 + b)) for numerator in numerators))
    return c._replace(forcing=np.where(on_wall, fields.source, c.forcing))


def sweep(c: Coefficients, levels: Levels, mesh: Mesh) -> Levels:
    """One time step without filter: (H[k], H[k-1]) -> (H[k+1], H[k])."""
    (H, old), kinds = levels, mesh.boundary
    new = (
        c.old * old
        + c.centre * H
        + c.north * north(H, kinds)
        + c.south * south(H, kinds)
        + c.west * west(H, kinds)
        + c.east * east(H, kinds)
        + c.forcing
    )
    return Levels(new, H)


def _nu(mesh: Mesh, step: int) -> float:
    """Strength of the filter in a step of the call."""
    return mesh.raw.nu if step >= mesh.raw.unfiltered else 0.0


def _filtered(levels: Levels, older: Array, nu: float, alpha: float) -> Levels:
    """Move H[k+1] and H[k] by the Robert-Asselin-Williams filter; `older` is H[k-1]."""
    if nu == 0:
        return levels
    new, now = levels
    d = new.dtype.type(nu / 2) * ((older - now) + (new - now))
    alpha = new.dtype.type(alpha)
    return Levels(new - (1 - alpha) * d, now + alpha * d)


def forward(levels: Levels, fields: Fields, mesh: Mesh, steps: int) -> Levels:
    """Advance `steps` time steps.

    Parameters
    ----------
    levels : Levels
        H[0] and H[-1].
    fields : Fields
        u, v, Dx, Dy, source. All seven arrays share one dtype, float32 or float64, and broadcast together. On a
        Dirichlet wall the source is the value of H there.
    mesh : Mesh
        dt, dx, dy, boundary, forms, filter.
    steps : int
        K >= 0.

    Returns
    -------
    Levels
        H[K] and H[K-1], new arrays of the common shape (..., rows, columns).
    """
    inputs = Inputs.of(levels, fields)
    shape = common_shape(inputs)
    fields = Fields(*(np.broadcast_to(a, shape) for a in fields))
    levels = Levels(*(np.broadcast_to(a, shape).copy() for a in levels))
    c = assemble(fields, mesh)
    for k in range(steps):
        levels = _filtered(sweep(c, levels, mesh), levels.old, _nu(mesh, k), mesh.raw.alpha)
    return levels


class Course:
    """Advances levels with fields and a mesh that stay; see `solver.backends.Course`."""

    def __init__(self, fields: Fields, mesh: Mesh) -> None:
        self._fields, self._mesh = fields, mesh

    def advance(self, levels: Levels, steps: int) -> tuple[Levels, bool]:
        """Return the levels after so many steps, and whether the first of them is finite."""
        reached = forward(levels, self._fields, self._mesh, steps)
        return reached, bool(np.isfinite(reached.now).all())

    def reuse(self, levels: Levels) -> None:
        """Leave them alone: every operation makes arrays of its own."""


def read(levels: Levels) -> Levels:
    """Return levels that a course has returned, which are arrays."""
    return levels


def adjoint(cotangent: Levels, levels: Levels, fields: Fields, mesh: Mesh, steps: int) -> Inputs:
    """Pull a cotangent of (H[K], H[K-1]) back to all seven inputs of `forward`.

    Returns
    -------
    Inputs
        One gradient per input, each of its input's own shape (summed where the input was broadcast).
    """
    inputs = Inputs.of(levels, fields)
    shape, kinds = common_shape(inputs), mesh.boundary
    dtype = levels.now.dtype
    full = Inputs(*(np.broadcast_to(a, shape) for a in inputs))
    fields = Fields(full.u, full.v, full.Dx, full.Dy, full.source)
    c = assemble(fields, mesh)

    history = [Levels(full.now, full.old)]
    for k in range(steps):
        history.append(_filtered(sweep(c, history[-1], mesh), history[-1].old, _nu(mesh, k), mesh.raw.alpha))

    g = Coefficients(*(np.zeros(shape, dtype) for _ in Coefficients._fields))
    lam = np.broadcast_to(cotangent.now, shape).astype(dtype)
    lam_old = np.broadcast_to(cotangent.old, shape).astype(dtype)
    for k in reversed(range(steps)):
        H, old = history[k]
        nu, alpha = dtype.type(_nu(mesh, k)), dtype.type(mesh.raw.alpha)
        lam_d = alpha * lam_old - (1 - alpha) * lam
        lam, lam_old, lam_older = lam + nu / 2 * lam_d, lam_old - nu * lam_d, nu / 2 * lam_d
        g = Coefficients(
            g.old + lam * old,
            g.centre + lam * H,
            g.north + lam * north(H, kinds),
            g.south + lam * south(H, kinds),
            g.west + lam * west(H, kinds),
            g.east + lam * east(H, kinds),
            g.forcing + lam,
        )
        pulled = (
            c.centre * lam
            + north_transposed(c.north * lam, kinds)
            + south_transposed(c.south * lam, kinds)
            + west_transposed(c.west * lam, kinds)
            + east_transposed(c.east * lam, kinds)
        )
        lam, lam_old = lam_old + pulled, lam_older + c.old * lam

    gradients = _assemble_adjoint(g, fields, mesh)
    full_gradients = Inputs(lam, lam_old, gradients.source, gradients.u, gradients.v, gradients.Dx, gradients.Dy)
    return Inputs(*(sum_to_shape(a, i.shape) for a, i in zip(full_gradients, inputs, strict=True)))


def _assemble_adjoint(g: Coefficients, fields: Fields, mesh: Mesh) -> Fields:
    """Gradients with respect to u, v, Dx, Dy, f from those with respect to the coefficients."""
    numerators, b = _faces(fields, mesh)
    r, kinds = Ratios.of(mesh, b.dtype), mesh.boundary
    s, d = r.velocity_share, r.diffusivity_share
    on_wall = wall_cells(kinds, b.shape[-2:])
    wall_forcing = np.where(on_wall, g.forcing, 0)
    g = Coefficients(*(np.where(on_wall, 0, a) for a in g))

    L = 1 + b
    # d(numerator / L)/db = -numerator / L^2 for each of the seven; `old` has -b in its numerator as well.
    g_b = -sum(n * a for n, a in zip(numerators, g, strict=True)) / L**2 - g.old / L
    g_N, g_S, g_W, g_E = g.north / L, g.south / L, g.west / L, g.east / L
    g_div = -(1 - s) * g.centre / L

    own_x, own_y = g_N - g_S, g_W - g_E
    u_beyond = north_transposed(s * g_N - g_div, kinds, -1) + south_transposed(g_div - s * g_S, kinds, -1)
    v_beyond = west_transposed(s * g_W - g_div, kinds, -1) + east_transposed(g_div - s * g_E, kinds, -1)
    half = g_b / 2
    q_N, q_S, q_W, q_E = g_N + half, g_S + half, g_W + half, g_E + half
    Dx_beyond = north_transposed(q_N, kinds) + south_transposed(q_S, kinds)
    Dy_beyond = west_transposed(q_W, kinds) + east_transposed(q_E, kinds)
    return Fields(
        u=r.x * ((1 - s) * own_x + u_beyond),
        v=r.y * ((1 - s) * own_y + v_beyond),
        Dx=r.xx * ((1 - d) * (q_N + q_S) + d * Dx_beyond),
        Dy=r.yy * ((1 - d) * (q_W + q_E) + d * Dy_beyond),
        source=r.source * g.forcing / L + wall_forcing,
    )
