"""Networks built on the layer, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import nn

from nnbridge.blocks import in_plain_torch
from nnbridge.models.mnist import IMAGE_SIZE, PDE, Convolution, Kernel, MnistNet, Residual
from nnbridge.models.resnet import SHAPES, ResNet
from nnbridge.variants import Variant

__all__ = ["MnistNet", "ResNet", "Variant", "available", "count_parameters", "create", "image_shape"]

_BACKBONES: dict[str, Callable[[Kernel], nn.Module]] = {
    "mnist-convolution": lambda kernel: Convolution(),
    "mnist-residual": lambda kernel: Residual(),
    "mnist-pde": PDE,
}


def available() -> tuple[str, ...]:
    """Return the names that `create` takes."""
    return (*_BACKBONES, *SHAPES)


def image_shape(name: str) -> tuple[int, int, int]:
    """Return the channels, rows and columns of the images for which `create` makes a network: MNIST's or CIFAR's.

    Raises
    ------
    ValueError
        If ``name`` is unknown.
    """
    if name not in available():
        raise ValueError(f"`name` is {name!r}, but the models are {', '.join(available())}")
    return (3, 32, 32) if name in SHAPES else (1, IMAGE_SIZE, IMAGE_SIZE)


def create(
    name: str,
    *,
    in_channels: int | None = None,
    num_classes: int = 10,
    kernel: Kernel = "auto",
    variant: Variant | None = None,
) -> MnistNet | ResNet:
    """Build a network by name, its weights drawn from torch's global generator.

    Parameters
    ----------
    name
        One of `available`.
    in_channels
        Channels of the images. Default: 1 for the networks of MNIST, (N, 1, 28, 28); 3 for the residual networks, which
        take planes of any size of 8 or more.
    num_classes
        Length of a row of the output, (N, num_classes).
    kernel
        ``backend`` of `nnbridge.diffusion_advection`. With ``"torch"`` all parts are torch's own; otherwise a
        BatchNorm and the ReLU behind it are one operation on a CPU.
    variant
        How the Global layers of ``resnet...-global`` work. Default: as published, K = 1.

    Raises
    ------
    ValueError
        If ``name`` is unknown (the message lists the known ones), or a network without a Global layer gets a variant.
    """
    channels = image_shape(name)[0] if in_channels is None else in_channels
    if variant is not None and not (name in SHAPES and SHAPES[name].condensed):
        raise ValueError(f"`variant` goes with the networks that have a Global layer, and {name} has none")
    network: MnistNet | ResNet
    if name in SHAPES:
        network = ResNet(SHAPES[name], channels, num_classes, partial((variant or Variant()).layer, backend=kernel))
    else:
        network = MnistNet(_BACKBONES[name](kernel), channels, num_classes)
    return in_plain_torch(network) if kernel == "torch" else network


def count_parameters(model: nn.Module) -> int:
    """Count the trainable numbers of ``model``."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
