"""Images a second of one training step of the MNIST network, kernel against plain torch."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from nnbridge.models import create
from nnbridge.models.mnist import Kernel

BATCH = 128


def training_step(kernel: Kernel) -> Callable[[], object]:
    """Return a whole step of the published recipe: forward, backward, clipping, Nesterov SGD."""
    torch.manual_seed(0)
    network = create("mnist-pde", kernel=kernel)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4)
    images, labels = torch.randn(BATCH, 1, 28, 28), torch.randint(0, 10, (BATCH,))

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(network(images), labels).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()

    return step
