"""The scheme in plain torch: the oracle of the bridged kernel, and the path for jvp, double backward and export.

    L H[k+1] = M H[k-1] - 2 dt (u_x + v_y) H[k] + 2 dt f
             + (2 B_x + A_x) H[k](i-1) + (2 B_x - A_x) H[k](i+1)
             + (2 B_y + A_y) H[k](j-1) + (2 B_y - A_y) H[k](j+1)

with A_x = u dt/dx, A_y = v dt/dy, B_x = Dx dt/dx^2, B_y = Dy dt/dy^2, L = 1 + 2 B_x + 2 B_y, M = 1 - 2 B_x - 2 B_y;
i counts rows (x, dim -2), j counts columns (y, dim -1); the planes are periodic.

Kag and Saligrama, "Condensing CNNs with Partial Differential Equations", CVPR 2022.
"""

from __future__ import annotations

import torch
from torch import Tensor

ROWS, COLUMNS = -2, -1


def _before(plane: Tensor, axis: int) -> Tensor:
    """Value of the neighbour at index - 1 (north or west), periodic."""
    return torch.roll(plane, 1, axis)


def _after(plane: Tensor, axis: int) -> Tensor:
    """Value of the neighbour at index + 1 (south or east), periodic."""
    return torch.roll(plane, -1, axis)


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
    dt: float,
    dx: float,
    dy: float,
) -> Tensor:
    """Return H[steps] from H[0] = ``h`` and H[-1] = ``h_prev``, in differentiable torch operations.

    All tensors broadcast to one shape (..., rows, columns) and share one floating dtype and device.
    """
    shape = torch.broadcast_shapes(*(t.shape for t in (h, h_prev, source, u, v, Dx, Dy)))
    u, v = u.expand(shape), v.expand(shape)
    now, old = h.expand(shape), h_prev.expand(shape)

    a_x, a_y = u * (dt / dx), v * (dt / dy)
    b_x, b_y = Dx * (2 * dt / dx**2), Dy * (2 * dt / dy**2)
    divergence = (_after(a_x, ROWS) - _before(a_x, ROWS)) + (_after(a_y, COLUMNS) - _before(a_y, COLUMNS))
    inverse_l = 1 / (1 + b_x + b_y)
    m = 1 - b_x - b_y
    forcing = 2 * dt * source

    for _ in range(steps):
        new = (
            m * old
            - divergence * now
            + forcing
            + (b_x + a_x) * _before(now, ROWS)
            + (b_x - a_x) * _after(now, ROWS)
            + (b_y + a_y) * _before(now, COLUMNS)
            + (b_y - a_y) * _after(now, COLUMNS)
        ) * inverse_l
        now, old = new, now
    return now.clone() if steps == 0 else now
