"""Whether a part of a layer is still what the layer was made of: a faster operation may stand in for it only then."""

from __future__ import annotations

import torch
from torch import nn
from torch.autograd import forward_ad
from torch.nn.modules import module as torch_module


def nobody_looks() -> bool:
    """Whether no compiler, tracer, global hook, dispatch mode or transform watches: it would see one operation only."""
    return (
        not torch.compiler.is_compiling()  # first: a compiler does not see through what follows
        and not torch._C._is_tracing()
        and not torch_module._has_any_global_hook()
        and forward_ad._current_level < 0
        and not torch._C._are_functorch_transforms_active()
        and not torch._C._len_torch_dispatch_stack()
    )


def runs_alone(part: nn.Module) -> bool:
    """Whether calling the part runs its class's `forward` and nothing else."""
    return not (
        part._forward_hooks
        or part._forward_pre_hooks
        or part._backward_hooks
        or part._backward_pre_hooks
        or "forward" in part.__dict__
    )


def is_depthwise(convolution: nn.Conv2d, outputs: int) -> bool:
    """Whether it is a 3 x 3 convolution of each channel with so many outputs, zeros around, no bias."""
    return (
        convolution.weight.shape == (outputs, 1, 3, 3)
        and convolution.bias is None
        and convolution.stride == convolution.dilation == convolution.padding == (1, 1)
        and convolution.padding_mode == "zeros"
    )
