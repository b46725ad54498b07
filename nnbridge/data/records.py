"""What a data set is, in memory."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Split:
    """Images with their labels, each one tensor.

    Parameters
    ----------
    images
        float32, (count, 1, 28, 28), normalised.
    labels
        int64, (count,), 0 to 9.

    Raises
    ------
    ValueError
        If the counts differ.
    """

    images: Tensor
    labels: Tensor

    def __post_init__(self) -> None:
        if len(self.images) != len(self.labels):
            raise ValueError(f"`images` holds {len(self.images)} but `labels` holds {len(self.labels)}")

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> Split:
        """Return the split with its tensors on ``device``."""
        return Split(self.images.to(device), self.labels.to(device))


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images to train on and images to test on.

    Parameters
    ----------
    name
        As `nnbridge.data.load` takes it.
    train, test
        The two splits, normalised alike.
    mean, std
        What was subtracted from, and then divided into, pixels scaled to 0 to 1.
    """

    name: str
    train: Split
    test: Split
    mean: float
    std: float
