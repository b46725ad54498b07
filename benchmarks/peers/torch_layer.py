"""What our layer and the torch peers share: tensors, and the gradients as training asks for them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.case import Prepared
from benchmarks.problem import DT, Problem
from nnbridge import diffusion_advection
from solver.records import Inputs

Steps = Callable[..., Tensor]
"(h, h_prev, source, u, v, Dx, Dy, steps) -> H[steps]"


def ours(*inputs: Tensor, steps: int, backend: str = "cpu") -> Tensor:
    """Call the kernel as the layer does."""
    return diffusion_advection(*inputs, steps=steps, dt=DT, backend=backend)


def tensors(problem: Problem, backward: bool) -> tuple[Tensor, ...]:
    """Return the seven inputs, those that are H[0] as one tensor; `backward`: the wanted ones require a gradient."""
    arrays = problem.draw()._asdict()
    made = {name: torch.from_numpy(array) for name, array in arrays.items() if name not in problem.same}
    if backward:
        for name in problem.wanted:
            made[name].requires_grad_()
    made |= dict.fromkeys(problem.same, made["now"])
    return tuple(made[name] for name in Inputs._fields)


def forward(problem: Problem, steps: Steps) -> Prepared:
    """Time K steps without a graph."""
    inputs = tensors(problem, backward=False)

    def run() -> Tensor:
        with torch.no_grad():
            return steps(*inputs, steps=problem.steps)

    return Prepared(run, lambda result: (result.numpy(),))


def backward(problem: Problem, steps: Steps) -> Prepared:
    """Time K steps and the gradients by every distinct input, for a random cotangent."""
    inputs = tensors(problem, backward=True)
    named = dict(zip(Inputs._fields, inputs, strict=True))
    wanted = [named[name] for name in problem.wanted]
    cotangent = torch.from_numpy(problem.cotangent())
    return Prepared(
        lambda: torch.autograd.grad(steps(*inputs, steps=problem.steps), wanted, cotangent),
        lambda gradients: tuple(g.numpy() for g in gradients),
    )
