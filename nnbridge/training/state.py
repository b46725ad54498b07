"""What a checkpoint holds: everything that the next epoch depends on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.swa_utils import AveragedModel

from nnbridge.data import Augmentation, Batches
from nnbridge.training.averaging import restore_average
from nnbridge.training.config import TrainingConfig
from nnbridge.training.mesh_log import MeshRecord
from nnbridge.training.records import EpochRecord


@dataclass
class State:
    """The moving parts of a run; torch's generators, which are global, belong to it too."""

    model: nn.Module
    average: AveragedModel | None
    optimizer: Optimizer
    schedule: LRScheduler
    batches: Batches
    augmentation: Augmentation
    history: list[EpochRecord]
    mesh: list[MeshRecord]

    @property
    def tested(self) -> nn.Module:
        """The network by which the run is judged: the average where there is one."""
        return self.model if self.average is None else self.average.module

    def capture(self, config: TrainingConfig) -> dict[str, Any]:
        """Return the state in tensors, numbers and strings; the tensors are not copied."""
        return {
            "config": config.as_dict(),
            "model": self.model.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "batches": self.batches.state_dict(),
            "augmentation": self.augmentation.state_dict(),
            "generator": torch.get_rng_state(),
            "cuda_generators": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            "history": [asdict(record) for record in self.history],
            "mesh": [asdict(record) for record in self.mesh],
        }

    def restore(self, checkpoint: dict[str, Any]) -> None:
        """Take over what `capture` returned."""
        self.model.load_state_dict(checkpoint["model"])
        if self.average is not None:
            restore_average(self.average, checkpoint)
        self.optimizer.load_state_dict(checkpoint["optimizer"])
        self.schedule.load_state_dict(checkpoint["schedule"])
        self.batches.load_state_dict(checkpoint["batches"])
        self.augmentation.load_state_dict(checkpoint["augmentation"])
        torch.set_rng_state(checkpoint["generator"])
        if torch.cuda.is_available() and checkpoint["cuda_generators"]:
            torch.cuda.set_rng_state_all(checkpoint["cuda_generators"])
        self.history = [EpochRecord(**record) for record in checkpoint["history"]]
        self.mesh = [MeshRecord(**record) for record in checkpoint["mesh"]]
