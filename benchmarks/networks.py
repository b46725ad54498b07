"""ResNet-Global with our kernels, its twin in plain torch, ResNet32, and the condensed network with its layers removed.

The last two tell what condensing saves, and how much of what is left are the layers.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from benchmarks.case import Prepared
from benchmarks.network_cases import IMAGES, TRAINING
from benchmarks.peers import EAGER, OURS, REMOVED, RESNET32
from benchmarks.training import Task, stepping
from nnbridge.models import create
from solver.records import Array

NAMES = {OURS: "resnet32-global", EAGER: "resnet32-global", RESNET32: "resnet32", REMOVED: "resnet10"}


def prepare(work: str, contender: str, channels_last: bool = False) -> Prepared:
    """Set up a step of the short recipe, forward to optimiser, or a call without gradients."""
    task = build(contender, work)
    if channels_last:
        network = task.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        task = task._replace(network=network, batch=task.batch.contiguous(memory_format=torch.channels_last))
    if work == TRAINING:
        return stepping(task, lambda: build(contender, work, exact=True))
    network, images, _ = task
    network.eval()

    def run() -> Tensor:
        with torch.no_grad():
            result: Tensor = network(images)
            return result

    def exact() -> tuple[Array, ...]:
        network, images, _ = build(contender, work, exact=True)
        with torch.no_grad():
            return (network.eval()(images).numpy(),)

    return Prepared(run, lambda result: (result.numpy(),), exact)


def build(contender: str, work: str, *, exact: bool = False) -> Task:
    """Return the network with seeded weights, and seeded noise for images; exact: plain torch in float64.

    The twin alone is plain torch: a ResNet32 that was would make the layer look good by norms that it does not own.
    """
    torch.manual_seed(0)
    network: nn.Module = create(NAMES[contender], kernel="torch" if exact or contender == EAGER else "auto")
    images = torch.randn(IMAGES[work], 3, 32, 32)
    labels = torch.randint(0, 10, (IMAGES[work],))
    if exact:
        network, images = network.double(), images.double()
    return Task(network, images, partial(nn.functional.cross_entropy, target=labels))
