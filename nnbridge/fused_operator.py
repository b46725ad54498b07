"""The registered torch operator of a whole layer in evaluation, over the solver's kernel.

`torch.ops.pdebridge.evaluate_layer`: fake and autocast (it computes in float32) as for the other operators, so that
torch.compile and export keep it. It has no derivative: who needs one runs the layer's parts.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from nnbridge.autograd import register_refusal
from nnbridge.memory_format import format_of, in_planes, laid_as
from nnbridge.operator import DTYPES, LIBRARY, MESH, mesh_of, plain_values
from solver.cpu import layer as kernel
from solver.cpu.layer import Layer, Parts
from solver.cpu.threads import team_of
from solver.records import Mesh

NAMES = ("x", "filters", "shifts", "scales", "offsets")
PARTS = "bool velocity, float? diffusivity, bool source"
LIBRARY.define(f"evaluate_layer({', '.join(f'Tensor {name}' for name in NAMES)}, {PARTS}, {MESH}) -> Tensor")


def evaluate_layer(tensors: tuple[Tensor, ...], parts: Parts, steps: int, mesh: Mesh) -> Tensor:
    """Call the operator: x, (N, C, H, W), and the four tensors of `solver.cpu.layer.Layer`.

    The result lies in memory as x does.
    """
    result: Tensor = torch.ops.pdebridge.evaluate_layer(*tensors, *parts, steps, *plain_values(mesh))
    return result


def _check(tensors: tuple[Tensor, ...], parts: Parts) -> None:
    """Raise unless the dtypes agree and every channel has its numbers: the kernel reads them unchecked."""
    x = tensors[0]
    if x.dtype not in DTYPES or any(t.dtype != x.dtype for t in tensors):
        named = ", ".join(f"{name} {t.dtype}" for name, t in zip(NAMES, tensors, strict=True))
        raise TypeError(f"the inputs have the dtypes {named}: the kernel takes float32 or float64, the same for all.")
    if x.ndim != 4:
        raise ValueError(f"`x` has shape {tuple(x.shape)}: it takes (N, C, H, W).")
    C, n = x.shape[1], len(parts.learned)
    for name, t, shape in zip(NAMES[1:], tensors[1:], ((C, n, 9), (C, n), (C,), (C,)), strict=True):
        if tuple(t.shape) != shape:
            raise ValueError(
                f"`{name}` has shape {tuple(t.shape)}: for `x` of shape {tuple(x.shape)} it takes {shape}."
            )


@torch.library.impl(LIBRARY, "evaluate_layer", "CPU")
def _evaluate_layer_cpu(*arguments: Any) -> Tensor:
    tensors, parts, (steps, *plain) = arguments[:5], Parts(*arguments[5:8]), arguments[8:]
    _check(tensors, parts)
    x, team = tensors[0].detach(), team_of(torch.get_num_threads())
    numbers = Layer(*(t.detach().contiguous().numpy() for t in tensors[1:]))
    if format_of(x) == torch.channels_last and kernel.goes_by_cell(tuple(x.shape), parts, steps, x.itemsize, team):
        made = torch.empty_like(x, memory_format=torch.channels_last)
        by_cell, of_image = (t.permute(0, 2, 3, 1).numpy() for t in (made, x))
        kernel.evaluate_by_cell(by_cell, of_image, numbers, parts, mesh_of(*plain), steps, team)
        return made
    out = torch.empty(x.shape, dtype=x.dtype)
    kernel.evaluate(out.numpy(), in_planes(x).numpy(), numbers, parts, mesh_of(*plain), steps, team)
    return laid_as(x, out)


@torch.library.register_fake("pdebridge::evaluate_layer", lib=LIBRARY)
def _evaluate_layer_fake(*arguments: Any) -> Tensor:
    tensors = arguments[:5]
    _check(tensors, Parts(*arguments[5:8]))
    x = tensors[0]
    return torch.empty(x.shape, dtype=x.dtype, device=x.device, memory_format=format_of(x))


register_refusal(
    LIBRARY,
    "evaluate_layer",
    "the one-pass evaluation of a layer has no derivative: it was traced or called without gradients. "
    "Trace the layer with gradients enabled, or make it with backend='torch'.",
)
for _device in ("cpu", "cuda"):
    torch.library.register_autocast("pdebridge::evaluate_layer", _device, torch.float32, lib=LIBRARY)
