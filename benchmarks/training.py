"""Training steps, kernel against plain torch: the MNIST network and a block of a CIFAR network with a Global layer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from benchmarks.case import Prepared
from benchmarks.peers import COMPILED, OURS
from nnbridge import GlobalLayer, NormSequence
from nnbridge.models import create
from nnbridge.models.mnist import Kernel
from solver.records import Array

BATCH = 128


class Task(NamedTuple):
    """A network, a batch of noise, and the loss of the network's output."""

    network: nn.Module
    batch: Tensor
    loss: Callable[[Tensor], Tensor]

    def differentiate(self) -> None:
        """Run forward, backward and clipping."""
        self.network.zero_grad(set_to_none=True)
        self.loss(self.network(self.batch)).backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)

    def gradients(self) -> tuple[Array, ...]:
        """Return those of all weights as one array: of some, such as a bias before a BatchNorm, all is rounding."""
        found = [p.grad.flatten() for p in self.network.parameters() if p.grad is not None]
        return (torch.cat(found).cpu().numpy(),)


def mnist(kernel: Kernel, device: str) -> Task:
    """Return the PDE network of 524 parameters, five steps, on images of 28 x 28."""
    labels = torch.randint(0, 10, (BATCH,))
    loss = partial(nn.functional.cross_entropy, target=labels.to(device))
    return Task(create("mnist-pde", kernel=kernel), torch.randn(BATCH, 1, 28, 28), loss)


def cifar_block(kernel: Kernel, device: str, steps: int) -> Task:
    """Return convolution, BatchNorm, ReLU and a Global layer, 32 channels of 16 x 16, with a mean square for a loss."""
    network = NormSequence(
        nn.Conv2d(32, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        GlobalLayer(32, steps=steps, backend=kernel),
    )
    network.plain = kernel == "torch"
    return Task(network, torch.randn(BATCH, 32, 16, 16), lambda output: output.square().mean())


NETWORKS: dict[str, Callable[[Kernel, str], Task]] = {
    "MNIST PDE network K=5": mnist,
    "CIFAR block K=1": partial(cifar_block, steps=1),
    "CIFAR block K=5": partial(cifar_block, steps=5),
}


def prepare(network: str, contender: str, device: Literal["cpu", "cuda"] = "cpu") -> Prepared:
    """Set up a step of the published recipe: forward, backward, clipping, Nesterov SGD.

    What is held against plain torch in float64 are the gradients of the first step.
    """
    torch.compiler.reset()  # beyond eight graphs of one function torch runs it without compiling
    task = build(network, device if contender == OURS else "torch", device)
    if contender == COMPILED:
        task.network.compile()
    return stepping(task, lambda: exact_task(network))


def stepping(task: Task, exact: Callable[[], Task]) -> Prepared:
    """Return the step of a task, whose first gradients are held against those of the `exact` one."""
    optimiser = torch.optim.SGD(task.network.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4)

    def step() -> Task:
        task.differentiate()
        optimiser.step()
        return task

    def exact_gradients() -> tuple[Array, ...]:
        same = exact()
        same.differentiate()
        return same.gradients()

    return Prepared(step, Task.gradients, exact_gradients)


def build(network: str, kernel: Kernel, device: str = "cpu") -> Task:
    """Return a network with seeded weights and batch, drawn on the CPU, on a device."""
    torch.manual_seed(0)
    task = NETWORKS[network](kernel, device)
    return task._replace(network=task.network.to(device), batch=task.batch.to(device))


def exact_task(network: str) -> Task:
    """Return a task in plain torch and float64, with the same weights and batch."""
    task = build(network, "torch")
    return task._replace(network=task.network.double(), batch=task.batch.double())
