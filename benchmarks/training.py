"""Training steps, kernel against plain torch: the MNIST network and a block of a CIFAR network with a Global layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from nnbridge import GlobalLayer
from nnbridge.models import create
from nnbridge.models.mnist import Kernel

BATCH = 128
Step = Callable[[], object]
Peer = Literal["kernel", "torch", "torch.compile"]
PEERS: tuple[Peer, ...] = ("kernel", "torch", "torch.compile")


@dataclass(frozen=True)
class TrainingCase:
    """A network, its loss and its optimiser; the same for every peer, but for what evolves the features.

    Attributes
    ----------
    name : str
        Such as ``training MNIST K=5``.
    make : callable
        ``make(backend)`` returns the network and its loss of a batch.
    images : int
        Images in a batch.
    """

    name: str
    make: Callable[[Kernel], tuple[nn.Module, Callable[[], Tensor]]]
    images: int = BATCH

    def run(self, peer: Peer) -> Step:
        """Return a whole step of the published recipe: forward, backward, clipping, Nesterov SGD."""
        torch.manual_seed(0)
        network, loss = self.make("cpu" if peer == "kernel" else "torch")
        if peer == "torch.compile":
            network.compile()
        optimiser = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4)

        def step() -> None:
            optimiser.zero_grad(set_to_none=True)
            loss().backward()
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimiser.step()

        return step


def training_cases() -> tuple[TrainingCase, ...]:
    """Return the registered cases."""
    return (
        TrainingCase("training MNIST K=5", mnist),
        TrainingCase("training CIFAR block K=1", lambda backend: cifar_block(backend, 1)),
        TrainingCase("training CIFAR block K=5", lambda backend: cifar_block(backend, 5)),
    )


def mnist(backend: Kernel) -> tuple[nn.Module, Callable[[], Tensor]]:
    """Return the PDE network of 524 parameters on a batch of noise, 28 x 28."""
    network = create("mnist-pde", kernel=backend)
    images, labels = torch.randn(BATCH, 1, 28, 28), torch.randint(0, 10, (BATCH,))
    return network, lambda: nn.functional.cross_entropy(network(images), labels)


def cifar_block(backend: Kernel, steps: int) -> tuple[nn.Module, Callable[[], Tensor]]:
    """Return convolution, BatchNorm, ReLU and a Global layer, 32 channels of 16 x 16, with a mean square for a loss."""
    network = nn.Sequential(
        nn.Conv2d(32, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        GlobalLayer(32, steps=steps, backend=backend),
    )
    features = torch.randn(BATCH, 32, 16, 16)
    return network, lambda: network(features).square().mean()


def training_step(kernel: Kernel) -> Step:
    """Return a step of the MNIST network."""
    return training_cases()[0].run("torch" if kernel == "torch" else "kernel")
