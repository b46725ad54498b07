"""The running statistics of a BatchNorm."""

from __future__ import annotations

from typing import Any

from torch.autograd.graph import increment_version

from solver.records import Array


def move_statistics(norm: Any, mean: Array, variance: Array, count: int) -> None:
    """Move those of a norm, in the memory of the CPU, towards those of a batch of so many numbers a channel.

    By NumPy: of a hundred numbers torch's operations take several times as long, which counts on small images.
    """
    if not norm.track_running_stats or norm.running_mean is None:
        return
    if norm.num_batches_tracked is not None:
        norm.num_batches_tracked += 1
    for running, found in ((norm.running_mean, mean), (norm.running_var, variance * (count / (count - 1)))):
        numbers = running.detach().numpy()
        numbers += norm.momentum * (found - numbers)
        increment_version(running)
