"""The formulas of the scheme, one cell at a time: every traversal, on CPU and GPU, calls these.

Each function takes and returns scalars, so it compiles for any target and states the mathematics once. Written for
the coefficients of one cell, with A_x = u dt/dx, b_x = 2 B_x = 2 Dx dt/dx^2 (likewise y) and L = 1 + b_x + b_y:

    L H[k+1] = (1 - b_x - b_y) H[k-1] - 2 dt (u_x + v_y) H[k] + 2 dt f
             + (b_x + A_x) H[k](i-1) + (b_x - A_x) H[k](i+1) + (b_y + A_y) H[k](j-1) + (b_y - A_y) H[k](j+1)

leapfrog in the advection, DuFort-Frankel in the diffusion (E. C. Du Fort and S. P. Frankel, Math. Tables Aids Comput.
7 (1953) 135-152, doi:10.2307/2002754), the divergence written out by the product rule.
"""

from __future__ import annotations

from solver.compiling import point_function


@point_function
def assemble(u, v, Dx, Dy, f, u_jump, v_jump, r):
    """Return the seven coefficients (old, centre, north, south, west, east, forcing) of one cell.

    u_jump = u[i+1] - u[i-1] and v_jump = v[j+1] - v[j-1], so that 2 dt (u_x + v_y) = r.x u_jump + r.y v_jump.
    `r` is a Ratios.
    """
    A_x = r.x * u
    A_y = r.y * v
    b_x = r.xx * Dx
    b_y = r.yy * Dy
    b = b_x + b_y
    inverse_L = r.one / (r.one + b)
    return (
        (r.one - b) * inverse_L,
        -(r.x * u_jump + r.y * v_jump) * inverse_L,
        (b_x + A_x) * inverse_L,
        (b_x - A_x) * inverse_L,
        (b_y + A_y) * inverse_L,
        (b_y - A_y) * inverse_L,
        r.source * f * inverse_L,
    )


@point_function
def step(c, old, centre, north, south, west, east):
    """Return H[k+1] of one cell: the coefficients `c` applied to H[k-1] and to H[k] and its four neighbours."""
    return c[0] * old + c[1] * centre + c[2] * north + c[3] * south + c[4] * west + c[5] * east + c[6]


@point_function
def step_adjoint(lam, old, centre, north, south, west, east):
    """Return the gradients of one step with respect to its seven coefficients, for lam = dL/dH[k+1] of the cell."""
    return lam * old, lam * centre, lam * north, lam * south, lam * west, lam * east, lam


@point_function
def assemble_adjoint(c, g, Dx, Dy, r):
    """Return the adjoint of `assemble` at one cell: (g_u, g_v, g_Dx, g_Dy, g_f, g_jump).

    `c` are the coefficients and `g` the gradients with respect to them, both in the order of `assemble`. Each
    coefficient is a numerator over L, and L grows with b, so every coefficient pays -c/L for a change of b.
    g_jump, times -r.x or -r.y, is the gradient with respect to u_jump or v_jump: the caller gathers it from the
    neighbours, because the jumps of a cell are made of its neighbours' velocities.
    """
    inverse_L = r.one / (r.one + r.xx * Dx + r.yy * Dy)
    weighted = g[0] * c[0] + g[1] * c[1] + g[2] * c[2] + g[3] * c[3] + g[4] * c[4] + g[5] * c[5] + g[6] * c[6]
    g_b = -(weighted + g[0])
    return (
        r.x * (g[2] - g[3]) * inverse_L,
        r.y * (g[4] - g[5]) * inverse_L,
        r.xx * (g[2] + g[3] + g_b) * inverse_L,
        r.yy * (g[4] + g[5] + g_b) * inverse_L,
        r.source * g[6] * inverse_L,
        g[1] * inverse_L,
    )
