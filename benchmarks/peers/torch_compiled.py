"""torch.compile of the same operations: all K steps of small planes in one graph, one step after another on a grid."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.case import Prepared
from benchmarks.peers import torch_layer
from benchmarks.peers.torch_eager import evolve
from benchmarks.problem import Problem


def forward(problem: Problem) -> Prepared:
    """Compile for these shapes."""
    if not problem.is_grid:
        return torch_layer.forward(problem, torch.compile(evolve, dynamic=False))
    one = torch.compile(evolve, dynamic=False)

    def one_by_one(h: Tensor, old: Tensor, *fields: Tensor, steps: int) -> Tensor:
        # Unrolled, dozens of steps compile for minutes and run no faster: each still passes over the whole grid.
        for _ in range(steps):
            h, old = one(h, old, *fields, steps=1), h
        return h

    return torch_layer.forward(problem, one_by_one)


def backward(problem: Problem) -> Prepared:
    """Compile the steps and their gradients."""
    return torch_layer.backward(problem, torch.compile(evolve, dynamic=False))
