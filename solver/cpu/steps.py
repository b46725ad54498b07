"""Time steps of one padded plane that starts from H[0] = H[-1]: at once from the fields, or with coefficients kept.

Arrays are promised apart and indices are unsigned, so that a loop is compiled to vectors without a test before it.
"""

from __future__ import annotations

import numpy as np

from solver import stencil
from solver.compiling import kernel, point_function


@point_function
def coefficients(q, S, one, u, v, Dx, Dy, f, r):
    """Return the seven coefficients of cell q."""
    return stencil.assemble(
        (u[q], u[q - S], u[q + S]),
        (v[q], v[q - one], v[q + one]),
        (Dx[q], Dx[q - S], Dx[q + S]),
        (Dy[q], Dy[q - one], Dy[q + one]),
        f[q],
        r,
    )


@point_function
def stepped(point, q, S, one, old, now):
    """Return H[k+1] of cell q from its coefficients, its H[k-1] and the plane of H[k]."""
    return stencil.step(point, old, now[q], now[q - S], now[q + S], now[q - one], now[q + one])


@kernel(apart=True)
def step_once(new, now, u, v, Dx, Dy, f, start, stop, columns, r):
    """Make H[1] of the cells start..stop-1 straight from the fields: no coefficient is stored."""
    S, one = np.uint64(columns + 2), np.uint64(1)
    for q in range(np.uint64(start), np.uint64(stop)):
        point = coefficients(q, S, one, u, v, Dx, Dy, f, r)
        new[q] = stepped(point, q, S, one, now[q], now)


@kernel(apart=True)
def begin_steps(c, new, now, u, v, Dx, Dy, f, start, stop, columns, r):
    """Make H[1] of the cells start..stop-1, and keep their coefficients in `c`, seven padded planes."""
    S, one = np.uint64(columns + 2), np.uint64(1)
    for q in range(np.uint64(start), np.uint64(stop)):
        point = coefficients(q, S, one, u, v, Dx, Dy, f, r)
        c[0, q], c[1, q], c[2, q], c[3, q], c[4, q], c[5, q], c[6, q] = point
        new[q] = stepped(point, q, S, one, now[q], now)


@kernel(apart=True)
def advance(level, c, now, start, stop, columns):
    """One time step of the cells start..stop-1: `level` holds H[k-1] and receives H[k+1]."""
    S, one = np.uint64(columns + 2), np.uint64(1)
    for q in range(np.uint64(start), np.uint64(stop)):
        point = (c[0, q], c[1, q], c[2, q], c[3, q], c[4, q], c[5, q], c[6, q])
        level[q] = stepped(point, q, S, one, level[q], now)
