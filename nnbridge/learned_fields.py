"""The fields of a layer in training by one operation: convolution, BatchNorm and ReLU, forward and backward.

Of a training step of a condensed network two thirds went into these three, whose planes are four times as many as the
input's; nothing of them is worth keeping, because a plane's nine products cost less than reading a number from memory.
Between forward and backward the input, the weights and the batch's statistics are kept.

The parts themselves run where this would give another result: see `applies`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd import Function

from nnbridge.autograd import differentiable_once
from nnbridge.memory_format import format_of, in_planes
from nnbridge.operator import DTYPES, incoming
from nnbridge.parts import is_depthwise, nobody_looks, runs_alone
from nnbridge.running_statistics import move_statistics
from solver.cpu import learned_fields as kernel
from solver.cpu.threads import team_of

if TYPE_CHECKING:
    from nnbridge.layers import GlobalLayer


NO_SECOND_DERIVATIVE = (
    "a layer in training has no second derivative: make it with backend='torch', which has one, for double backward."
)


def applies(layer: GlobalLayer, x: Tensor) -> bool:
    """Whether one operation gives what the parts of `layer.coefficients` would give for `x`."""
    parts = layer.coefficients
    return (
        nobody_looks()
        and layer.backend != "torch"
        and layer.one_convolution
        and len(layer.parts.learned) > 0
        and type(parts) is nn.Sequential
        and _are_as_built(list(parts), layer)
        and runs_alone(parts)
        and x.ndim == 4
        and x.shape[1] == layer.channels
        and x.numel() > layer.channels  # torch refuses a norm of one number, and says why
        and _are_plain([x, *_numbers(list(parts))])
        and _common_dtype(x, list(parts)) in DTYPES
    )


def make(layer: GlobalLayer, x: Tensor) -> Tensor:
    """Return the fields, (N, C n, H, W), in the dtype of the weights, and move the norm's running statistics."""
    parts: list[Any] = list(cast(nn.Sequential, layer.coefficients))
    convolution, norm, _ = parts
    weight = convolution.weight
    return cast(Tensor, _Fields.apply(x.to(weight.dtype), weight, norm.weight, norm.bias, norm))


class _Fields(Function):
    """(x, weight, gamma, beta, norm) -> fields, where gamma and beta are the norm's; its running statistics move."""

    @staticmethod
    def forward(ctx: Any, *given: Any) -> Tensor:
        x, weight, gamma, beta, part = given
        image, filters = arrays(x, weight)
        team = team_of(torch.get_num_threads())
        found = kernel.moments(image, filters, team)
        norm = norm_of(found, filters, gamma, beta, part.eps)
        move_statistics(part, found.mean.reshape(-1), found.variance.reshape(-1), x.numel() // x.shape[1])
        fields: Tensor = x.new_empty(x.shape[0], weight.shape[0], *x.shape[2:])
        kernel.values(fields.numpy().reshape(*image.shape[:2], -1, *image.shape[2:]), image, filters, norm, team)
        ctx.save_for_backward(x, weight, gamma, beta)
        ctx.norm = norm
        return fields

    @staticmethod
    @differentiable_once(NO_SECOND_DERIVATIVE)
    def backward(ctx: Any, saved: tuple[Tensor, ...], *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, *_ = saved
        image, filters = arrays(x, weight)
        given = incoming(in_planes(gradients[0].resolve_neg()), x).reshape(*image.shape[:2], -1, *image.shape[2:])
        team = team_of(torch.get_num_threads())
        found = kernel.pull_back(given, image, filters, ctx.norm, ctx.needs_input_grad[0], team)
        of_x = None if found.image is None else torch.from_numpy(found.image)
        of_weight = torch.from_numpy(found.filters).reshape(weight.shape)
        return of_x, of_weight, *(torch.from_numpy(g.reshape(-1)) for g in (found.gamma, found.beta)), None


def arrays(x: Tensor, weight: Tensor, as_it_lies: bool = False) -> tuple[Any, Any]:
    """Return the image (N, C, H, W), in planes unless it is taken `as_it_lies`, and the filters (C, n, 9)."""
    image = x.detach() if as_it_lies and format_of(x) == torch.channels_last else in_planes(x)
    return image.numpy(), weight.detach().contiguous().numpy().reshape(x.shape[1], -1, 9)


def norm_of(found: kernel.Moments, filters: Any, gamma: Tensor, beta: Tensor, eps: float) -> kernel.Norm:
    """Return a norm's numbers in double precision, (C, n) each."""
    scale, shift = (t.detach().numpy().astype(np.float64).reshape(filters.shape[:2]) for t in (gamma, beta))
    return kernel.Norm(found.mean, 1 / np.sqrt(found.variance + eps), scale, shift, found.centres, found.around)


def _are_as_built(parts: list[Any], layer: GlobalLayer) -> bool:
    from nnbridge.depthwise import FieldConvolution

    if tuple(map(type, parts)) != (FieldConvolution, nn.BatchNorm2d, nn.ReLU) or not all(map(runs_alone, parts)):
        return False
    convolution, norm, _ = parts
    return (
        is_depthwise(convolution, len(layer.parts.learned) * layer.channels)
        and norm.training
        and norm.affine
        and norm.momentum is not None
    )


def _are_plain(tensors: list[Tensor]) -> bool:
    """Whether all lie in the memory of the CPU as NumPy can see them."""
    return all(type(t) in (Tensor, nn.Parameter) and t.is_cpu and not t.is_neg() and not t.is_conj() for t in tensors)


def _numbers(parts: list[Any]) -> list[Tensor]:
    """Return the weights and statistics of convolution and norm."""
    convolution, norm, _ = parts
    statistics = [] if norm.running_mean is None else [norm.running_mean, norm.running_var]
    return [convolution.weight, norm.weight, norm.bias, *statistics]


def _common_dtype(x: Tensor, parts: list[Any]) -> torch.dtype | None:
    """Return the dtype that all have; under autocast, in which the equation is computed in float32, the weights'."""
    found = {t.dtype for t in _numbers(parts)}
    if not (torch.is_autocast_enabled("cpu") and x.dtype == torch.bfloat16):
        found.add(x.dtype)
    return found.pop() if len(found) == 1 else None
