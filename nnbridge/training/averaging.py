"""The average of a network over its steps, a = decay a + (1 - decay) w, of weights and running statistics alike.

It starts with the network after the first step. B. T. Polyak and A. B. Juditsky, "Acceleration of Stochastic
Approximation by Averaging", SIAM J. Control Optim. 30 (1992) 838-855, doi:10.1137/0330046, average with equal weights.
"""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


def make_average(model: nn.Module, decay: float) -> AveragedModel | None:
    """Return what averages ``model`` whenever it is told to, on the model's device; None for ``decay`` 0."""
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True) if decay else None


def restore_average(average: AveragedModel, checkpoint: dict[str, Any]) -> None:
    """Take over the average that a checkpoint holds.

    Raises
    ------
    ValueError
        If it holds none.
    """
    if checkpoint.get("average") is None:
        raise ValueError("`ema` is set, but the checkpoint holds no average: it was written with `ema` 0, set that")
    average.load_state_dict(checkpoint["average"])
