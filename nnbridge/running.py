"""The running statistics of a BatchNorm."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def move_statistics(norm: Any, mean: Tensor, variance: Tensor, count: int) -> None:
    """Move the running statistics of a norm towards those of a batch of so many numbers a channel."""
    if norm.track_running_stats and norm.running_mean is not None:
        with torch.no_grad():
            if norm.num_batches_tracked is not None:
                norm.num_batches_tracked.add_(1)
            norm.running_mean.lerp_(mean, norm.momentum)
            norm.running_var.lerp_(variance * (count / (count - 1)), norm.momentum)
