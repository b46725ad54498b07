"""How a batch of images lies in memory: plane after plane, or the channels of a cell together.

A layer computes on planes. What it returns for a network that keeps channels last lies so too: the operations around it
would otherwise meet both formats in one call and take several times as long.
"""

from __future__ import annotations

import torch
from torch import Tensor

from solver.cpu.channels import transposed
from solver.cpu.threads import team_of

TURNED = (torch.float32, torch.float64)  # what the kernel turns around; torch does so with the others


def format_of(x: Tensor) -> torch.memory_format:
    """Return the format of (N, C, H, W): channels last if it is that and not contiguous as well.

    Transforms of torch.func do not say how a tensor lies: contiguous.
    """
    if torch._C._are_functorch_transforms_active():
        return torch.contiguous_format
    by_channels = not x.is_contiguous() and x.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if by_channels else torch.contiguous_format


def in_planes(x: Tensor) -> Tensor:
    """Return a tensor in the memory of the CPU plane after plane, without a gradient; channels last by our kernel."""
    x = x.detach()
    if x.dtype not in TURNED or format_of(x) != torch.channels_last:
        return x.contiguous()
    N, C, H, W = x.shape
    cells = x.permute(0, 2, 3, 1).numpy().reshape(N, H * W, C)
    return torch.from_numpy(transposed(cells, team_of(torch.get_num_threads()))).view(N, C, H, W)


def laid_as(x: Tensor, planes: Tensor) -> Tensor:
    """Return ``planes``, which lie so, in the format of ``x``; neither has a gradient."""
    if planes.dtype not in TURNED or format_of(x) != torch.channels_last:
        return planes.contiguous(memory_format=format_of(x))
    N, C, H, W = planes.shape
    channels = planes.detach().numpy().reshape(N, C, H * W)
    return torch.from_numpy(transposed(channels, team_of(torch.get_num_threads()))).view(N, H, W, C).permute(0, 3, 1, 2)
