"""What the GPU suite times: the layer's planes and a training step, ours beside torch's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks.training import cifar_block, mnist
from nnbridge import diffusion_advection
from nnbridge.models.mnist import Kernel

CONTENDERS = ("pdebridge", "torch", "torch.compile")
PLANES = ((8192, 8), (4096, 16), (128, 28), (2048, 32), (1024, 56), (1024, 112))  # those of the CPU, times `TIMES`
TIMES = 16
STEPS = (1, 5, 20)
UNROLLED = 5  # steps that torch.compile gets: it unrolls them, and beyond compiles for minutes
WORD = 4


class GpuCase(NamedTuple):
    """One call to time."""

    name: str
    contender: str
    bytes: int
    "compulsory: each distinct input read once, each output written once; 0 where they are not counted"
    items: int
    "cell updates, or images"
    prepare: Callable[[], Callable[[], object]]
    "make what it needs, and return the call"


def layer_cases(device: str, kernel: Kernel, times: int, sets: Callable[[int], int]) -> Iterator[GpuCase]:
    """Return forward passes and forward and backward ones; `sets` says how many sets of inputs leave the caches."""
    for count, side in PLANES:
        shape = (max(1, count * times), side, side)
        for steps in STEPS:
            for backward in (False, True):
                numbers = prod(shape) * (6 + 11 * backward)
                for contender in CONTENDERS:
                    if contender == "torch.compile" and steps > UNROLLED:
                        continue
                    kind = "forward+backward" if backward else "forward"
                    name = f"{shape[0]}x{side}x{side} K={steps} {kind}"
                    prepare = _Evolution(device, kernel, contender, shape, steps, backward, sets(numbers * WORD))
                    yield GpuCase(name, contender, numbers * WORD, prod(shape) * steps, prepare)


@dataclass(frozen=True)
class _Evolution:
    """A call of the operator on one of several sets of inputs in turn."""

    device: str
    kernel: Kernel
    contender: str
    shape: tuple[int, ...]
    steps: int
    backward: bool
    sets: int

    def __call__(self) -> Callable[[], object]:
        torch.compiler.reset()
        sets = [self._inputs() for _ in range(self.sets)]
        turn = 0

        def evolve(x: Tensor, *fields: Tensor) -> Tensor:
            backend = self.kernel if self.contender == "pdebridge" else "torch"
            return diffusion_advection(x, x, x, *fields, steps=self.steps, dt=0.2, backend=backend)

        run = torch.compile(evolve) if self.contender == "torch.compile" else evolve
        weight = torch.rand(self.shape, device=self.device)

        def call() -> object:
            nonlocal turn
            inputs = sets[turn % len(sets)]
            turn += 1
            if not self.backward:
                with torch.no_grad():
                    return run(*inputs)
            return torch.autograd.grad(run(*inputs), inputs, weight)

        return call

    def _inputs(self) -> list[Tensor]:
        drawn = [torch.rand(self.shape, device=self.device) for _ in range(5)]
        return [(t / 2).requires_grad_(self.backward) for t in drawn]


def training_cases(device: str, kernel: Kernel) -> Iterator[GpuCase]:
    """Return whole steps of training, images a second."""
    for name, steps in (("MNIST PDE network K=5", None), ("CIFAR block K=1", 1), ("CIFAR block K=5", 5)):
        for contender in CONTENDERS:
            yield GpuCase(name, contender, 0, 128, _Training(device, kernel, contender, steps))


@dataclass(frozen=True)
class _Training:
    """A step of the published recipe; `steps` are those of a CIFAR block, None is the MNIST network."""

    device: str
    kernel: Kernel
    contender: str
    steps: int | None

    def __call__(self) -> Callable[[], object]:
        torch.compiler.reset()
        chosen: Kernel = self.kernel if self.contender == "pdebridge" else "torch"
        task = mnist(chosen) if self.steps is None else cifar_block(chosen, self.steps)
        network, batch = task.network.to(self.device), task.batch.to(self.device)
        labels = torch.randint(0, 10, (len(batch),), device=self.device)
        if self.contender == "torch.compile":
            network.compile()
        optimiser = torch.optim.SGD(network.parameters(), 0.01, momentum=0.9, nesterov=True, weight_decay=5e-4)

        def call() -> object:
            optimiser.zero_grad(set_to_none=True)
            output = network(batch)
            loss = torch.nn.functional.cross_entropy(output, labels) if output.ndim == 2 else output.square().mean()
            loss.backward()
            optimiser.step()
            return loss

        return call
