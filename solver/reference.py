"""The scheme in plain NumPy, slow and obvious: the oracle that every kernel is compared with."""

from __future__ import annotations

import numpy as np

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

NAME = "numpy"


def _north(a: Array) -> Array:
    """Value at i-1, periodic."""
    return np.roll(a, 1, axis=-2)


def _south(a: Array) -> Array:
    """Value at i+1, periodic."""
    return np.roll(a, -1, axis=-2)


def _west(a: Array) -> Array:
    """Value at j-1, periodic."""
    return np.roll(a, 1, axis=-1)


def _east(a: Array) -> Array:
    """Value at j+1, periodic."""
    return np.roll(a, -1, axis=-1)


def assemble(fields: Fields, mesh: Mesh) -> Coefficients:
    """Return the seven coefficients per cell, from fields of one common shape."""
    u, v, Dx, Dy, f = fields
    r = Ratios.of(mesh, u.dtype)
    A_x, A_y = r.x * u, r.y * v
    b_x, b_y = r.xx * Dx, r.yy * Dy
    L = 1 + b_x + b_y
    divergence = (_south(A_x) - _north(A_x)) + (_east(A_y) - _west(A_y))
    return Coefficients(
        old=(1 - b_x - b_y) / L,
        centre=-divergence / L,
        north=(b_x + A_x) / L,
        south=(b_x - A_x) / L,
        west=(b_y + A_y) / L,
        east=(b_y - A_y) / L,
        forcing=r.source * f / L,
    )


def sweep(c: Coefficients, levels: Levels) -> Levels:
    """One time step: (H[k], H[k-1]) -> (H[k+1], H[k])."""
    H, old = levels
    new = (
        c.old * old
        + c.centre * H
        + c.north * _north(H)
        + c.south * _south(H)
        + c.west * _west(H)
        + c.east * _east(H)
        + c.forcing
    )
    return Levels(new, H)


def forward(levels: Levels, fields: Fields, mesh: Mesh, steps: int) -> Levels:
    """Advance `steps` time steps.

    Parameters
    ----------
    levels : Levels
        H[0] and H[-1].
    fields : Fields
        u, v, Dx, Dy, source. All seven arrays share one dtype, float32 or float64, and broadcast together.
    mesh : Mesh
        dt, dx, dy, boundary.
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
    for _ in range(steps):
        levels = sweep(c, levels)
    return levels


def adjoint(cotangent: Levels, levels: Levels, fields: Fields, mesh: Mesh, steps: int) -> Inputs:
    """Pull a cotangent of (H[K], H[K-1]) back to all seven inputs of `forward`.

    Returns
    -------
    Inputs
        One gradient per input, each of its input's own shape (summed where the input was broadcast).
    """
    inputs = Inputs.of(levels, fields)
    shape = common_shape(inputs)
    dtype = levels.now.dtype
    full = Inputs(*(np.broadcast_to(a, shape) for a in inputs))
    fields = Fields(full.u, full.v, full.Dx, full.Dy, full.source)
    c = assemble(fields, mesh)

    history = [Levels(full.now, full.old)]
    for _ in range(steps):
        history.append(sweep(c, history[-1]))

    g = Coefficients(*(np.zeros(shape, dtype) for _ in Coefficients._fields))
    lam = np.broadcast_to(cotangent.now, shape).astype(dtype)
    lam_old = np.broadcast_to(cotangent.old, shape).astype(dtype)
    for H, old in reversed(history[:-1]):
        g = Coefficients(
            g.old + lam * old,
            g.centre + lam * H,
            g.north + lam * _north(H),
            g.south + lam * _south(H),
            g.west + lam * _west(H),
            g.east + lam * _east(H),
            g.forcing + lam,
        )
        # The transpose of a gather by c[i] from i-1 is a gather of c[i+1] lam[i+1]: still a five-point stencil.
        pulled = (
            c.centre * lam + _south(c.north * lam) + _north(c.south * lam) + _east(c.west * lam) + _west(c.east * lam)
        )
        lam, lam_old = lam_old + pulled, c.old * lam

    gradients = _assemble_adjoint(c, g, fields, mesh)
    full_gradients = Inputs(lam, lam_old, gradients.source, gradients.u, gradients.v, gradients.Dx, gradients.Dy)
    return Inputs(*(sum_to_shape(a, i.shape) for a, i in zip(full_gradients, inputs, strict=True)))


def _assemble_adjoint(c: Coefficients, g: Coefficients, fields: Fields, mesh: Mesh) -> Fields:
    """Gradients with respect to u, v, Dx, Dy, f from those with respect to the coefficients."""
    r = Ratios.of(mesh, fields.u.dtype)
    L = 1 + r.xx * fields.Dx + r.yy * fields.Dy
    # d(numerator / L)/db = -(numerator / L) / L for each of the seven; `old` has -b in its numerator as well.
    g_b = -(sum(ci * gi for ci, gi in zip(c, g, strict=True)) + g.old) / L
    g_divergence = -g.centre / L
    g_Ax = (g.north - g.south) / L + _north(g_divergence) - _south(g_divergence)
    g_Ay = (g.west - g.east) / L + _west(g_divergence) - _east(g_divergence)
    return Fields(
        u=r.x * g_Ax,
        v=r.y * g_Ay,
        Dx=r.xx * ((g.north + g.south) / L + g_b),
        Dy=r.yy * ((g.west + g.east) / L + g_b),
        source=r.source * g.forcing / L,
    )
