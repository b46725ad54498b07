"""What the parts of a network are given, and what they return, while it runs on images."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from nnbridge.layers import GlobalLayer


def global_layers(model: nn.Module) -> dict[str, GlobalLayer]:
    """Return the Global layers of a network by name, in the order in which it holds them."""
    return {name: part for name, part in model.named_modules() if isinstance(part, GlobalLayer)}


def inputs_of_layers(model: nn.Module, images: Tensor) -> dict[str, tuple[GlobalLayer, Tensor]]:
    """Return each Global layer with what it is given when the model runs on ``images``; it is left in evaluation."""
    layers = global_layers(model)
    with _watching(layers, of_output=False) as found, torch.no_grad():
        model.eval()(images)
    return {name: (layers[name], x) for name, x in found.items()}


def outputs_of_parts(model: nn.Module, parts: dict[str, nn.Module], images: Tensor) -> dict[str, Tensor]:
    """Return what each of ``parts`` returns when the model runs on ``images``; it is left in evaluation."""
    with _watching(parts, of_output=True) as found, torch.no_grad():
        model.eval()(images)
    return found


@contextmanager
def _watching(parts: dict[str, nn.Module] | dict[str, GlobalLayer], *, of_output: bool) -> Iterator[dict[str, Tensor]]:
    """Yield what each part was given, or returned, by its name, once the model has run."""
    found: dict[str, Tensor] = {}

    def watch(name: str, part: nn.Module) -> RemovableHandle:
        if of_output:
            return part.register_forward_hook(lambda _, given, returned: found.__setitem__(name, returned))
        return part.register_forward_pre_hook(lambda _, given: found.__setitem__(name, given[0]))

    handles = [watch(name, part) for name, part in parts.items()]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()
