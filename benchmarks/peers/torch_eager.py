"""Plain torch, in the operations that the authors of the layer chose: rolls, and new tensors for every term.

A. Kag and V. Saligrama, "Condensing CNNs with Partial Differential Equations", CVPR 2022. What is computed before the
loop and what in it is theirs; the signs are ours (+u carries towards larger row index).
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.case import Prepared
from benchmarks.peers import torch_layer
from benchmarks.problem import DT, Problem

ROWS, COLUMNS = -2, -1


def evolve(*inputs: Tensor, steps: int) -> Tensor:
    """Return H[steps]."""
    return advance(*inputs, steps=steps)[0]


def advance(
    h: Tensor, old: Tensor, f: Tensor, u: Tensor, v: Tensor, Dx: Tensor, Dy: Tensor, *, steps: int
) -> tuple[Tensor, Tensor]:
    """Return H[steps] and H[steps - 1]."""
    u_x = (_before(u, ROWS, -1) - _before(u, ROWS)) / 2
    v_y = (_before(v, COLUMNS, -1) - _before(v, COLUMNS)) / 2
    Ax, Ay, Bx, By = u * DT, v * DT, Dx * DT, Dy * DT
    divergence = (u_x + v_y) * DT
    inverse_L = 1 / (1 + 2 * Bx + 2 * By)
    for _ in range(steps):
        new = inverse_L * (
            (1 - 2 * Bx - 2 * By) * old
            - 2 * divergence * h
            + (Ax + 2 * Bx) * _before(h, ROWS)
            + (-Ax + 2 * Bx) * _before(h, ROWS, -1)
            + (Ay + 2 * By) * _before(h, COLUMNS)
            + (-Ay + 2 * By) * _before(h, COLUMNS, -1)
        )
        h, old = new + inverse_L * 2 * DT * f, h
    return h, old


def _before(plane: Tensor, axis: int, shift: int = 1) -> Tensor:
    """Roll a plane; a number, or one value a channel, has no neighbours but itself."""
    return torch.roll(plane, shift, axis) if plane.dim() >= 2 else plane


def forward(problem: Problem) -> Prepared:
    """Run it eagerly."""
    return torch_layer.forward(problem, evolve)


def backward(problem: Problem) -> Prepared:
    """Run it and autograd."""
    return torch_layer.backward(problem, evolve)
