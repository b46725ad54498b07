"""A Global layer in training by one operation: fields and K steps, forward and backward, keeping only the input.

Where the fields are made by one operation (`nnbridge.learned_fields`) and the kernel runs on them, both are one: the
fields are then never in memory as a whole. The output's norm and ReLU stay parts of the layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor
from torch.autograd import Function

from nnbridge import learned_fields
from nnbridge.autograd import differentiable_once
from nnbridge.learned_fields import NO_SECOND_DERIVATIVE, arrays, norm_of
from nnbridge.memory_format import format_of, in_planes, laid_as
from nnbridge.operator import incoming
from nnbridge.running_statistics import move_statistics
from solver.cpu import learned_fields as fields_kernel
from solver.cpu import learned_layer as kernel
from solver.cpu.threads import team_of

if TYPE_CHECKING:
    from nnbridge.layers import GlobalLayer


def applies(layer: GlobalLayer, x: Tensor) -> bool:
    """Whether one operation gives what fields and equation would give for `x`."""
    return layer.is_published and layer.backend in ("auto", "cpu") and learned_fields.applies(layer, x)


def evolve(layer: GlobalLayer, x: Tensor) -> Tensor:
    """Return H[K] of a batch, and move the running statistics of the fields' norm."""
    convolution, norm, _ = cast(Any, layer.coefficients)
    weight = convolution.weight
    equation = kernel.Equation(layer.parts, layer.mesh, layer.steps)
    return cast(Tensor, _Layer.apply(x.to(weight.dtype), weight, norm.weight, norm.bias, norm, equation))


class _Layer(Function):
    """(x, weight, gamma, beta, norm, equation) -> H[K]; gamma and beta are the norm's; its running statistics move."""

    @staticmethod
    def forward(ctx: Any, *given: Any) -> Tensor:
        x, weight, gamma, beta, part, equation = given
        image, filters = arrays(x, weight, _as_it_lies(x, weight, equation))
        team = team_of(torch.get_num_threads())
        found = fields_kernel.moments(image, filters, team)
        norm = norm_of(found, filters, gamma, beta, part.eps)
        move_statistics(part, found.mean.reshape(-1), found.variance.reshape(-1), x.numel() // x.shape[1])
        out = torch.empty_like(x, memory_format=format_of(torch.from_numpy(image)))
        kernel.forward(out.numpy(), image, filters, norm, equation, team)
        ctx.save_for_backward(x, weight, gamma, beta)
        ctx.norm, ctx.equation = norm, equation
        return laid_as(x, out)

    @staticmethod
    @differentiable_once(NO_SECOND_DERIVATIVE)
    def backward(ctx: Any, saved: tuple[Tensor, ...], *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, *_ = saved
        image, filters = arrays(x, weight, _as_it_lies(x, weight, ctx.equation))
        gradient = gradients[0].resolve_neg()
        laid = in_planes(gradient) if image.flags.c_contiguous else gradient.contiguous(memory_format=format_of(x))
        given = incoming(laid, x)
        team = team_of(torch.get_num_threads())
        found = kernel.pull_back(given, image, filters, ctx.norm, ctx.equation, ctx.needs_input_grad[0], team)
        of_x = None if found.image is None else laid_as(x, torch.from_numpy(found.image))
        of_weight = torch.from_numpy(found.filters).reshape(weight.shape)
        return of_x, of_weight, *(torch.from_numpy(g.reshape(-1)) for g in (found.gamma, found.beta)), None, None


def _as_it_lies(x: Tensor, weight: Tensor, equation: kernel.Equation) -> bool:
    """Whether the kernel takes an input with channels last without turning it around as a whole."""
    fields = weight.shape[0] // x.shape[1]
    return kernel.takes_by_cell(tuple(x.shape), x.element_size(), fields, equation, torch.get_num_threads())
