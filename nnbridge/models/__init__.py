"""Networks built on the layer, by name."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from nnbridge.models.mnist import PDE, Convolution, Kernel, MnistNet, Residual

__all__ = ["MnistNet", "available", "count_parameters", "create"]

_BACKBONES: dict[str, Callable[[Kernel], nn.Module]] = {
    "mnist-convolution": lambda kernel: Convolution(),
    "mnist-residual": lambda kernel: Residual(),
    "mnist-pde": PDE,
}


def available() -> tuple[str, ...]:
    """Return the names that `create` takes."""
    return tuple(_BACKBONES)


def create(name: str, *, in_channels: int = 1, num_classes: int = 10, kernel: Kernel = "auto") -> MnistNet:
    """Build a network by name, with torch's default initialisation from the global generator.

    Parameters
    ----------
    name
        One of `available`.
    in_channels
        Channels of the images, (N, in_channels, 28, 28).
    num_classes
        Length of a row of the output, (N, num_classes).
    kernel
        ``backend`` of `nnbridge.diffusion_advection`; the networks without a PDE do not use it.

    Raises
    ------
    ValueError
        If ``name`` is unknown; the message lists the known ones.
    """
    if name not in _BACKBONES:
        raise ValueError(f"`name` is {name!r}, but the models are {', '.join(_BACKBONES)}")
    return MnistNet(_BACKBONES[name](kernel), in_channels, num_classes)


def count_parameters(model: nn.Module) -> int:
    """Count the trainable numbers of ``model``."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
