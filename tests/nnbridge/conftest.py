"""Seeded tensors for the bridge."""

import pytest
import torch

from nnbridge import GlobalLayer
from nnbridge.data import Dataset, Split
from nnbridge.data.cifar import MEAN, STD
from nnbridge.training import TrainingConfig
from solver.records import Inputs


@pytest.fixture
def make_tensors():
    """Seven inputs by name, in the order of `diffusion_advection`; Dx and Dy are positive."""
    generator = torch.Generator().manual_seed(2022)

    def make(shape, dtype=torch.float64, requires_grad=True, **shapes):
        tensors = {}
        for name in Inputs._fields:
            size = shapes.get(name, shape)
            value = torch.rand(size, generator=generator, dtype=torch.float64)
            if name not in ("Dx", "Dy"):
                value = 2 * value - 1
            tensors[name] = value.to(dtype).requires_grad_(requires_grad)
        return Inputs(**tensors)

    return make


@pytest.fixture
def x():
    """A batch of four for a layer of three channels."""
    return torch.randn(4, 3, 6, 5, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


@pytest.fixture
def make_layer():
    """Make a GlobalLayer of three channels in float64."""

    def make(**choices):
        torch.manual_seed(0)
        layer = GlobalLayer(3, **choices).double()
        # Norms as training leaves them: not ones and zeros.
        for name, p in layer.named_parameters():
            if p.ndim == 1:
                torch.nn.init.uniform_(p, 0.5, 1.5) if name.endswith("weight") else torch.nn.init.uniform_(p, -0.2, 0.5)
        return layer

    return make


@pytest.fixture(scope="session")
def photographs():
    """Forty images of noise for training, brighter in the classes of higher number, and twenty to test."""
    generator = torch.Generator().manual_seed(0)

    def split(count):
        labels = torch.arange(count) % 10
        noise = torch.randint(0, 120, (count, 3, 32, 32), generator=generator)
        return Split((noise + 13 * labels[:, None, None, None]).to(torch.uint8), labels)

    return Dataset("cifar10", split(40), split(20), MEAN, STD, 10)


@pytest.fixture(scope="session")
def tiny_config():
    """Three epochs of the smallest condensed network, with everything random that there is."""
    return TrainingConfig(
        data="cifar10",
        backbone="resnet-tiny-global",
        epochs=3,
        batch_size=16,
        learning_rate=0.05,
        schedule="one-cycle",
        crop=2,
        flip=True,
        cutout=4,
        device="cpu",
    )
