"""What the GPU's suite times: the layer's planes of the CPU times sixteen, large grids, training steps.

Operations, bytes and contenders are those of the CPU's benchmark; here the inputs are drawn in the GPU's memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle
from typing import Any, Literal

import torch
from torch import Tensor

from benchmarks import training
from benchmarks.case import SchemeCase
from benchmarks.layer_cases import BATCH, SHAPES, case, layer
from benchmarks.peers import COMPILED, EAGER, OURS, torch_compiled, torch_eager, torch_layer
from benchmarks.problem import START, Problem
from benchmarks.training_cases import TrainingCase
from benchmarks.training_cases import cases as training_cases
from solver.records import Inputs

TIMES = 16
STEPS = (1, 5, 20)
UNROLLED = 5  # steps of planes that torch.compile gets: it unrolls them, and beyond compiles for minutes
GRIDS = (4096, 8192)
STEPS_OF_A_GRID = 64
GpuCase = SchemeCase | TrainingCase
Call = Callable[[], Any]
Device = Literal["cpu", "cuda"]


def cases(times: int = TIMES, grids: Sequence[int] = GRIDS) -> list[GpuCase]:
    """Return all cases, with so many times the CPU's planes (0: as few as can be)."""
    found: list[GpuCase] = []
    for members, *plane in (BATCH, *SHAPES):
        for steps in STEPS:
            peers = (EAGER, COMPILED) if steps <= UNROLLED else (EAGER,)
            problem = layer((max(1, members * times), *plane), steps)
            found += [case(problem, backward, peers) for backward in (False, True)]
    for side in grids:
        problem = Problem((side, side), STEPS_OF_A_GRID, same=START)
        found.append(case(problem, False, (EAGER, COMPILED), group="grid"))
    return [*found, *training_cases()]


def prepare(chosen: GpuCase, contender: str, device: Device, sets: int) -> Call:
    """Set a contender up on a device; `sets` of inputs take turns."""
    if isinstance(chosen, TrainingCase):
        return training.prepare(chosen.network, contender, device).run
    problem, backward = chosen.problem, chosen.backward
    if contender == OURS:
        evolve: torch_layer.Steps = partial(torch_layer.ours, backend=device)
    else:
        evolve = torch_eager.evolve if contender == EAGER else torch_compiled.compiled(problem, backward)
    drawn = cycle([draw(problem, backward, device) for _ in range(sets)])
    cotangent = torch.rand(problem.shape, device=device)

    def call() -> Any:
        inputs = next(drawn)
        if backward:
            wanted = [inputs[Inputs._fields.index(name)] for name in problem.wanted]
            return torch.autograd.grad(evolve(*inputs, steps=problem.steps), wanted, cotangent)
        with torch.no_grad():
            return evolve(*inputs, steps=problem.steps)

    return call


def draw(problem: Problem, backward: bool, device: str) -> tuple[Tensor, ...]:
    """Return the seven inputs, of the size that `Problem.draw` gives them."""
    made = {}
    for name, shape in problem.shapes.items():
        values = torch.rand(shape, device=device)
        made[name] = values - 0.5 if name in ("now", "old", "source") else values / 2
        made[name].requires_grad_(backward and name in problem.wanted)
    made |= dict.fromkeys(problem.same, made["now"])
    return tuple(made[name] for name in Inputs._fields)
