"""What becomes of the learning rate, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from torch.optim import Optimizer
from torch.optim.lr_scheduler import ConstantLR, LRScheduler, MultiStepLR, OneCycleLR

if TYPE_CHECKING:
    from nnbridge.training.config import TrainingConfig

CONSTANT: Final = "constant"
STEPS: Final = "steps"
ONE_CYCLE: Final = "one-cycle"
SCHEDULES: Final = (CONSTANT, STEPS, ONE_CYCLE)

RISING: Final = 0.25  # share of a cycle in which the rate rises


def make_schedule(optimizer: Optimizer, config: TrainingConfig, steps: int) -> LRScheduler:
    """Return the schedule of ``config`` for epochs of so many steps; it is told of every one of them."""
    if config.schedule == STEPS:
        return MultiStepLR(optimizer, [epoch * steps for epoch in config.milestones], gamma=0.1)
    if config.schedule == ONE_CYCLE:
        return OneCycleLR(
            optimizer, config.learning_rate, config.epochs * steps, pct_start=RISING, cycle_momentum=False
        )
    return ConstantLR(optimizer, factor=1.0, total_iters=0)
