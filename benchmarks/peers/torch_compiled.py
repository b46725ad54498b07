"""torch.compile of the same operations: all K steps of small planes in one graph, eight at a time on a grid.

A grid's dozens of steps in one graph compile for minutes. Eight a graph compile in seconds, and are faster than one
where the grid fits the caches, because an eighth of the calls and of the assemblies remain.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from benchmarks.case import Prepared
from benchmarks.peers import torch_layer
from benchmarks.peers.torch_eager import advance, evolve
from benchmarks.problem import Problem

STEPS_OF_A_GRAPH = 8


def forward(problem: Problem) -> Prepared:
    """Compile for these shapes."""
    return torch_layer.forward(problem, compiled(problem, backward=False))


def backward(problem: Problem) -> Prepared:
    """Compile the steps and their gradients."""
    return torch_layer.backward(problem, compiled(problem, backward=True))


def compiled(problem: Problem, backward: bool) -> torch_layer.Steps:
    """Return the steps, compiled when first called."""
    forget()
    if problem.is_grid and not backward:
        return partial(in_parts, torch.compile(advance, dynamic=False))
    return torch.compile(evolve, dynamic=False)


def forget() -> None:
    """Drop earlier cases' graphs: beyond eight of one function torch runs it without compiling, and only warns."""
    torch.compiler.reset()


def in_parts(
    compiled: Callable[..., tuple[Tensor, Tensor]], h: Tensor, old: Tensor, *fields: Tensor, steps: int
) -> Tensor:
    """Return H[steps] by compiled graphs of `STEPS_OF_A_GRAPH` steps each, and one of what remains."""
    whole, rest = divmod(steps, STEPS_OF_A_GRAPH)
    for length in (STEPS_OF_A_GRAPH,) * whole + (rest,) * bool(rest):
        h, old = compiled(h, old, *fields, steps=length)
    return h
