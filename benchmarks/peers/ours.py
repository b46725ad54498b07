"""Ours: the layer's function on small planes, the bare kernel on a grid."""

from __future__ import annotations

from benchmarks.case import Prepared
from benchmarks.peers import torch_layer
from benchmarks.problem import Problem, fields_of, levels_of
from solver import backends


def forward(problem: Problem) -> Prepared:
    """Run `diffusion_advection` on planes, the backend's K steps on a grid."""
    if not problem.is_grid:
        return torch_layer.forward(problem, torch_layer.ours)
    inputs = problem.draw()
    levels, fields, mesh = levels_of(inputs), fields_of(inputs), problem.mesh
    engine = backends.get("cpu")
    return Prepared(lambda: engine.forward(levels, fields, mesh, problem.steps), lambda reached: (reached.now,))


def backward(problem: Problem) -> Prepared:
    """Run it and its gradients."""
    return torch_layer.backward(problem, torch_layer.ours)
