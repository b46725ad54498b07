"""How a batch of images lies in memory: plane after plane, or the channels of a cell together.

A layer computes on planes, in evaluation on packs of channels too. What it returns for a network that keeps channels
last lies so as well: the operations around it would otherwise meet both formats in one call and take several times as
long.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from nnbridge.operator import DTYPES
from solver.cpu.channels import transpose_into
from solver.cpu.threads import team_of
from solver.records import Array


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
    if x.dtype not in DTYPES or format_of(x) != torch.channels_last:
        return x.contiguous()
    planes = torch.empty_like(x, memory_format=torch.contiguous_format)
    transpose_into(_by_plane(planes), by_cell(x), team_of(torch.get_num_threads()))
    return planes


def laid_as(x: Tensor, planes: Tensor) -> Tensor:
    """Return ``planes``, a tensor in planes or in the format of ``x`` already, in that format; it has no gradient."""
    wanted = format_of(x)
    if planes.dtype not in DTYPES or wanted != torch.channels_last or planes.is_contiguous(memory_format=wanted):
        return planes.contiguous(memory_format=wanted)
    made = torch.empty_like(planes, memory_format=torch.channels_last)  # torch's own: a view could not change in place
    transpose_into(by_cell(made), _by_plane(planes.detach()), team_of(torch.get_num_threads()))
    return made


def _by_plane(x: Tensor) -> Array:
    """Return the matrices (N, C, cells) of a tensor that lies in planes."""
    return np.asarray(x.numpy().reshape(*x.shape[:2], math.prod(x.shape[2:])))


def by_cell(x: Tensor) -> Array:
    """Return the matrices (N, cells, C) of a tensor whose channels are last."""
    cells = math.prod(x.shape[2:])
    return np.asarray(x.permute(0, 2, 3, 1).numpy().reshape(x.shape[0], cells, x.shape[1]))
