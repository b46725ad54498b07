"""How a batch of images lies in memory: plane after plane, or the channels of a cell together."""

from __future__ import annotations

import torch
from torch import Tensor


def format_of(x: Tensor) -> torch.memory_format:
    """Return the format of (N, C, H, W): channels last if it is that and not contiguous as well.

    A layer computes on planes. What it returns for a network that keeps channels last lies so too: the operations
    around it would otherwise meet both formats in one call and take several times as long. Transforms of torch.func
    do not say how a tensor lies: contiguous.
    """
    if torch._C._are_functorch_transforms_active():
        return torch.contiguous_format
    by_channels = not x.is_contiguous() and x.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if by_channels else torch.contiguous_format
