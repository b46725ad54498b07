"""The scheme in plain torch: the oracle of the bridged kernel, and the path for jvp, double backward and export.

    L H[k+1] = (1 - b) H[k-1] - (1 - s) 2 dt (u_x + v_y) H[k] + 2 dt f
             + (b_N + A_N) H[k](i-1) + (b_S - A_S) H[k](i+1)
             + (b_W + A_W) H[k](j-1) + (b_E - A_E) H[k](j+1)

with A_x = u dt/dx, A_N = (1 - s) A_x + s A_x(i-1), b_x = 2 Dx dt/dx^2, b_N = (1 - d) b_x + d b_x(i-1) and so on,
b = (b_N + b_S + b_W + b_E) / 2, L = 1 + b; the shares s and d as in `solver.stencil`. i counts rows (x, dim -2), j
columns (y, dim -1).

Kag and Saligrama, "Condensing CNNs with Partial Differential Equations", CVPR 2022.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nnbridge.walls import wall_mask
from solver.records import ADVECTION, DIFFUSION, DIRICHLET, PERIODIC, Kinds, Mesh

ROWS, COLUMNS = -2, -1


def before(plane: Tensor, axis: int, kinds: Kinds, mirror: int = 1) -> Tensor:
    """Value of the neighbour at index - 1 (north or west); beyond a wall the cell itself, times `mirror`."""
    if kinds[0 if axis == ROWS else 2] == PERIODIC:
        return torch.roll(plane, 1, axis)
    size = plane.shape[axis]
    return torch.cat([mirror * plane.narrow(axis, 0, 1), plane.narrow(axis, 0, size - 1)], axis)


def after(plane: Tensor, axis: int, kinds: Kinds, mirror: int = 1) -> Tensor:
    """Value of the neighbour at index + 1 (south or east); beyond a wall the cell itself, times `mirror`."""
    if kinds[1 if axis == ROWS else 3] == PERIODIC:
        return torch.roll(plane, -1, axis)
    size = plane.shape[axis]
    return torch.cat([plane.narrow(axis, 1, size - 1), mirror * plane.narrow(axis, size - 1, 1)], axis)


def evolve(
    h: Tensor,
    h_prev: Tensor,
    source: Tensor,
    u: Tensor,
    v: Tensor,
    Dx: Tensor,
    Dy: Tensor,
    *,
    steps: int,
    mesh: Mesh,
) -> Tensor:
    """Return H[steps] from H[0] = ``h`` and H[-1] = ``h_prev``, in differentiable torch operations.

    All tensors broadcast to one shape (..., rows, columns) and share one floating dtype and device. On a Dirichlet
    wall ``source`` is the value of H.
    """
    shape = torch.broadcast_shapes(*(t.shape for t in (h, h_prev, source, u, v, Dx, Dy)))
    now, old = h.expand(shape), h_prev.expand(shape)
    dt, kinds = mesh.dt, mesh.boundary
    s, d = ADVECTION[mesh.advection], DIFFUSION[mesh.diffusion]

    neighbours, divergence, b = [], h.new_zeros(()), h.new_zeros(())
    for velocity, D, axis, spacing in ((u, Dx, ROWS, mesh.dx), (v, Dy, COLUMNS, mesh.dy)):
        a, beta = (velocity * (dt / spacing)).expand(shape), D * (2 * dt / spacing**2)
        a_before, a_after = _shared(a, s, axis, kinds, -1)
        b_before, b_after = _shared(beta.expand(shape), d, axis, kinds, 1) if d else (beta, beta)
        if s < 1:
            divergence = divergence + (1 - s) * (after(a, axis, kinds, -1) - before(a, axis, kinds, -1))
        b = b + (b_before + b_after) / 2
        neighbours.append((b_before + a_before, b_after - a_after, axis))
    inverse_l = 1 / (1 + b)
    m = 1 - b
    forcing = 2 * dt * source
    on_wall = wall_mask(kinds, (shape[-2], shape[-1]), h.device) if DIRICHLET in kinds else None

    for k in range(steps):
        new = m * old - divergence * now + forcing
        for to_before, to_after, axis in neighbours:
            new = new + to_before * before(now, axis, kinds) + to_after * after(now, axis, kinds)
        new = new * inverse_l
        if on_wall is not None:
            new = torch.where(on_wall, source, new)
        if mesh.raw.nu and k >= mesh.raw.unfiltered:
            moved = mesh.raw.nu / 2 * ((old - now) + (new - now))
            new, now = new - (1 - mesh.raw.alpha) * moved, now + mesh.raw.alpha * moved
        now, old = new, now
    return now.clone() if steps == 0 else now


def _shared(plane: Tensor, share: float, axis: int, kinds: Kinds, mirror: int) -> tuple[Tensor, Tensor]:
    """Return the plane with the share of its neighbour before and after; the plane itself, twice, for none."""
    if not share:
        return plane, plane
    own = (1 - share) * plane
    return own + share * before(plane, axis, kinds, mirror), own + share * after(plane, axis, kinds, mirror)
