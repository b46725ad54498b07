"""A Global layer in evaluation as one pass over its input.

Without gradients BatchNorm is an affine map per channel: that of the fields goes into the weights of their convolution
and a shift, that of the output is applied on the way out. The numbers are folded anew in every call, so that new
weights and statistics count at once; that costs some 50 microseconds.

The layer runs part by part as soon as this would give another result: in training, where a gradient or a transform of
torch.func is asked for, where a part was replaced, has a hook, or is overridden by a subclass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn.modules import module as torch_module

from nnbridge.depthwise import FieldConvolution
from nnbridge.fused_operator import evaluate_layer
from nnbridge.operator import DTYPES
from nnbridge.parts import is_depthwise, runs_alone
from nnbridge.rectified_norm import NormSequence
from solver.records import NO_FLUX, PERIODIC

if TYPE_CHECKING:
    from nnbridge.layers import GlobalLayer

MADE_OF = (FieldConvolution, nn.BatchNorm2d, nn.ReLU)
LARGEST = 1 << 18  # cells of a plane: measured up to here, 3.2 times as fast as the parts


class Folded(NamedTuple):
    """A BatchNorm in evaluation: scale x + shift, per channel."""

    scale: Tensor
    shift: Tensor

    @classmethod
    def of(cls, norm: Any) -> Folded:
        """Fold the statistics and the affine map of `norm` into one."""
        scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
        return cls(scale, torch.addcmul(norm.bias, norm.running_mean, scale, value=-1))


def applies(layer: GlobalLayer, x: Tensor) -> bool:
    """Whether one pass gives what the layer's parts would give for `x`."""
    published = layer.is_published and not layer.residual
    if layer.training or layer.backend == "torch" or not published or not _is_as_built(layer):
        return False
    tensors = [x, *_numbers(layer)]
    return (
        x.ndim == 4
        and x.shape[1] == layer.channels
        and 0 < x.shape[2] * x.shape[3] <= LARGEST
        and layer.boundary in (PERIODIC, NO_FLUX)
        and all(t.device.type == "cpu" for t in tensors)
        and _common_dtype(tensors) in DTYPES
        and not (torch.is_grad_enabled() and any(t.requires_grad for t in tensors))
        and forward_ad._current_level < 0
        and not torch._C._are_functorch_transforms_active()
    )


def evaluate(layer: GlobalLayer, x: Tensor) -> Tensor:
    """Return the layer's output for `x` by the one-pass kernel."""
    parts: list[Any] = [*_fields(layer), *layer.output]
    output = Folded.of(parts[-2])
    if layer.parts.learned:
        convolution, norm, *_ = parts
        fields = Folded.of(norm)
        filters = convolution.weight.flatten(1) * fields.scale[:, None]
        filters, shifts = filters.unflatten(0, (layer.channels, -1)), fields.shift.unflatten(0, (layer.channels, -1))
    else:
        filters, shifts = output.scale.new_empty(layer.channels, 0, 9), output.shift.new_empty(layer.channels, 0)
    return evaluate_layer((x, filters, shifts, *output), layer.parts, layer.steps, layer.mesh)


def _is_as_built(layer: GlobalLayer) -> bool:
    """Whether the parts are those that the layer was made of, run by nothing but themselves, norms in evaluation."""
    learned, containers = len(layer.parts.learned), (_fields(layer), layer.output)
    if any(type(container) not in (nn.Sequential, NormSequence) for container in containers):
        return False
    parts: list[Any] = [part for container in containers for part in container]
    return (
        tuple(map(type, parts)) == MADE_OF * bool(learned) + MADE_OF[1:]
        and not torch_module._has_any_global_hook()
        and all(runs_alone(part) for part in (*containers, *parts))
        and all(_is_affine(norm) for norm in _norms(parts))
        and (not learned or is_depthwise(parts[0], learned * layer.channels))
    )


def _fields(layer: GlobalLayer) -> nn.Sequential:
    """Return what makes the fields of a layer that is as published."""
    return cast(nn.Sequential, layer.coefficients)


def _is_affine(norm: nn.BatchNorm2d) -> bool:
    return not norm.training and norm.running_mean is not None and norm.affine


def _norms(parts: list[Any]) -> list[Any]:
    return [part for part in parts if isinstance(part, nn.BatchNorm2d)]


def _numbers(layer: GlobalLayer) -> list[Tensor]:
    """Return the parameters and statistics of the parts."""
    parts: list[Any] = [*_fields(layer), *layer.output]
    weights = [part.weight for part in parts if isinstance(part, nn.Conv2d)]
    return weights + [t for n in _norms(parts) for t in (n.weight, n.bias, n.running_mean, n.running_var)]


def _common_dtype(tensors: list[Tensor]) -> torch.dtype | None:
    """Return the dtype that all have, where autocast is on after it made float32 of what is not float64; or None."""
    found = {t.dtype for t in tensors}
    if torch.is_autocast_enabled("cpu"):
        found = {d if d == torch.float64 else torch.float32 for d in found}
    return found.pop() if len(found) == 1 else None
