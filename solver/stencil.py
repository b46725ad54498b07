"""The formulas of the scheme, one cell at a time: every traversal, on CPU and GPU, calls these.

Each function takes and returns scalars, so it compiles for any target and states the mathematics once. With
A_x = u dt/dx and b_x = 2 B_x = 2 Dx dt/dx^2 (likewise y), and N for i-1, S for i+1, W for j-1, E for j+1:

    L H[k+1] = (1 - b) H[k-1] - (1 - s) 2 dt (u_x + v_y) H[k] + 2 dt f
             + (b_N + A_N) H[k](N) + (b_S - A_S) H[k](S) + (b_W + A_W) H[k](W) + (b_E - A_E) H[k](E)

    A_N = (1 - s) A_x + s A_x(N)     b_N = (1 - d) b_x + d b_x(N)     and so on
    b = (b_N + b_S + b_W + b_E) / 2,     L = 1 + b

leapfrog in the advection, DuFort-Frankel in the diffusion (E. C. Du Fort and S. P. Frankel, Math. Tables Aids Comput.
7 (1953) 135-152, doi:10.2307/2002754). The share s of the neighbour's own velocity tells the forms of the advection
apart: 0 writes the divergence out by the product rule, 1 is the difference of the fluxes u H, 1/2 is the skew-symmetric
form (Y. Morinishi et al., J. Comput. Phys. 143 (1998) 90-124, doi:10.1006/jcph.1998.5962). The share d of the
neighbour's diffusivity is 0 for D H_xx, and 1/2, the mean on the face, for (D H_x)_x.
"""

from __future__ import annotations

from solver.arithmetic import multiply_add
from solver.compiling import point_function


@point_function
def mixed(own, lent, share, one):
    """Return (1 - share) own + share lent; a share of None is zero, and what is lent is not even read."""
    if share is None:
        return own
    return multiply_add(share, lent, (one - share) * own)


@point_function
def diffusion_numbers(D, ratio, r):
    """Return b towards the cell before and the cell after, along one axis; `D` is (own, before, after)."""
    d = r.diffusivity_share
    return ratio * mixed(D[0], D[1], d, r.one), ratio * mixed(D[0], D[2], d, r.one)


@point_function
def courant_numbers(u, ratio, r):
    """Return A towards the cell before and the cell after, along one axis; `u` is (own, before, after)."""
    s = r.velocity_share
    return ratio * mixed(u[0], u[1], s, r.one), ratio * mixed(u[0], u[2], s, r.one)


@point_function
def assemble(u, v, Dx, Dy, f, r):
    """Return the seven coefficients (old, centre, north, south, west, east, forcing) of one cell.

    u, v, Dx, Dy are each (own, before, after): the values of the cell and of its two neighbours along the axis of
    the component. `r` is a Ratios. Nothing is contracted, so that a step made from them in the same loop rounds as one
    that reads them from memory.
    """
    A_N, A_S = courant_numbers(u, r.x, r)
    A_W, A_E = courant_numbers(v, r.y, r)
    b_N, b_S = diffusion_numbers(Dx, r.xx, r)
    b_W, b_E = diffusion_numbers(Dy, r.yy, r)
    # Without a neighbour's share b_N is b_S, and half their sum is b_x exactly.
    b = b_N + b_W if r.diffusivity_share is None else r.half * ((b_N + b_S) + (b_W + b_E))
    inverse_L = r.one / (r.one + b)
    zero = r.one - r.one
    divergence = mixed(multiply_add(r.x, u[2] - u[1], r.y * (v[2] - v[1])), zero, r.velocity_share, r.one)
    return (
        (r.one - b) * inverse_L,
        -divergence * inverse_L,
        (b_N + A_N) * inverse_L,
        (b_S - A_S) * inverse_L,
        (b_W + A_W) * inverse_L,
        (b_E - A_E) * inverse_L,
        r.source * f * inverse_L,
    )


@point_function
def step(c, old, centre, north, south, west, east):
    """Return H[k+1] of one cell: the coefficients `c` applied to H[k-1] and to H[k] and its four neighbours."""
    new = multiply_add(c[0], old, c[6])
    new = multiply_add(c[1], centre, new)
    new = multiply_add(c[2], north, new)
    new = multiply_add(c[3], south, new)
    new = multiply_add(c[4], west, new)
    return multiply_add(c[5], east, new)


@point_function
def step_adjoint(lam, old, centre, north, south, west, east):
    """Return the gradients of one step with respect to its seven coefficients, for lam = dL/dH[k+1] of the cell."""
    return lam * old, lam * centre, lam * north, lam * south, lam * west, lam * east, lam


@point_function
def assemble_adjoint(c, g, Dx, Dy, r):
    """Return the gradients with respect to the numerators and to b: the part of the adjoint of `assemble` in one cell.

    `c` are the coefficients and `g` the gradients with respect to them, both in the order of `assemble`; Dx and Dy as
    there. Each coefficient is a numerator over L, so every one pays -c/L for a change of b; `old` has -b above as
    well. The order is (b, centre, north, south, west, east, f), that of f times its ratio already.
    """
    b_N, b_S = diffusion_numbers(Dx, r.xx, r)
    b_W, b_E = diffusion_numbers(Dy, r.yy, r)
    inverse_L = r.one / (r.one + r.half * ((b_N + b_S) + (b_W + b_E)))
    weighted = multiply_add(g[1], c[1], g[0] * c[0])
    weighted = multiply_add(g[2], c[2], weighted)
    weighted = multiply_add(g[3], c[3], weighted)
    weighted = multiply_add(g[4], c[4], weighted)
    weighted = multiply_add(g[5], c[5], weighted)
    weighted = multiply_add(g[6], c[6], weighted)
    return (
        -(weighted + g[0]) * inverse_L,
        g[1] * inverse_L,
        g[2] * inverse_L,
        g[3] * inverse_L,
        g[4] * inverse_L,
        g[5] * inverse_L,
        r.source * g[6] * inverse_L,
    )


@point_function
def velocity_adjoint(centre, before, after, ratio, r):
    """Return the gradient of the velocity component of a cell, from `assemble_adjoint` of it and its two neighbours.

    Along the axis of the component: `centre` is that of the cells (before, after), `before` the gradient of the number
    towards the cell before, of (the cell, the cell after), `after` that towards the cell after, of (the cell, the cell
    before): the next cell's `before` and the last one's `after` lead to this cell.
    """
    own = (before[0] - after[0]) + (centre[1] - centre[0])
    return ratio * mixed(own, before[1] - after[1], r.velocity_share, r.one)


@point_function
def diffusivity_adjoint(b, before, after, ratio, r):
    """Return the gradient of the diffusivity of a cell; `b` is that of b, (own, before, after), the rest as above."""
    own = before[0] + after[0] + b[0]
    lent = before[1] + after[1] + r.half * (b[1] + b[2])
    return ratio * mixed(own, lent, r.diffusivity_share, r.one)


@point_function
def displacement(new, now, old, r):
    """Return d = nu/2 (H[k-1] - 2 H[k] + H[k+1]) of one cell: the filter adds alpha d to H[k], (alpha - 1) d to H[k+1].

    P. D. Williams, Mon. Weather Rev. 137 (2009) 2538-2546, doi:10.1175/2009MWR2724.1.
    """
    return r.half_nu * ((old - now) + (new - now))


@point_function
def displacement_adjoint(lam_new, lam_now, r):
    """Return dL/dd, from the gradients of the filtered H[k+1] and H[k]."""
    return multiply_add(r.alpha, lam_now, -(r.one - r.alpha) * lam_new)


@point_function
def published_step_adjoint(H, w, u, v, Dx, Dy, old, f, inverse_L, r):
    """Pull one step of the published forms (s = d = 0) back to its inputs, in one cell.

    H and w = lam / L, with lam = dL/dH[k+1], are each (own, north, south, west, east); u, v, Dx, Dy (own, before,
    after) along their axes; `old` is H[k-1]. Nothing of the step is needed but these: the cell's H[k+1] is made again.
    The order is that of `solver.records.Inputs`.

    What u gathers from the three cells that read it, w (H_N - H_S) + (w H)_S - (w H)_N, is written with the
    differences of w, to which neighbours with equal w contribute nothing, exactly.
    """
    A_x, A_y, b_x, b_y = r.x * u[0], r.y * v[0], r.xx * Dx[0], r.yy * Dy[0]
    divergence = multiply_add(r.x, u[2] - u[1], r.y * (v[2] - v[1]))
    M = r.one - (b_x + b_y)
    x_sum, y_sum = H[1] + H[2], H[3] + H[4]
    new = multiply_add(M, old, r.source * f)
    new = multiply_add(-divergence, H[0], new)
    new = multiply_add(b_x, x_sum, new)
    new = multiply_add(A_x, H[1] - H[2], new)
    new = multiply_add(b_y, y_sum, new)
    new = multiply_add(A_y, H[3] - H[4], new)
    ends = multiply_add(new, inverse_L, old)
    now = -divergence * w[0]
    now = multiply_add(multiply_add(-r.x, u[1], r.xx * Dx[1]), w[1], now)
    now = multiply_add(multiply_add(r.x, u[2], r.xx * Dx[2]), w[2], now)
    now = multiply_add(multiply_add(-r.y, v[1], r.yy * Dy[1]), w[3], now)
    now = multiply_add(multiply_add(r.y, v[2], r.yy * Dy[2]), w[4], now)
    return (
        now,
        M * w[0],
        r.source * w[0],
        r.x * multiply_add(w[0] - w[1], H[1], (w[2] - w[0]) * H[2]),
        r.y * multiply_add(w[0] - w[3], H[3], (w[4] - w[0]) * H[4]),
        r.xx * (w[0] * (x_sum - ends)),
        r.yy * (w[0] * (y_sum - ends)),
    )
