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
        float32, (count, 1, 28, 28), normalised; or uint8, (count, 3, 32, 32), as they were published.
    labels
        int64, (count,), from 0.

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

    def first(self, count: int) -> Split:
        """Return the first ``count`` images, or all if there are fewer."""
        return Split(self.images[:count], self.labels[:count])

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
        What is subtracted from, and then divided into, pixels scaled to 0 to 1; with several colours, of each.
    classes
        How many there are.
    """

    name: str
    train: Split
    test: Split
    mean: float | tuple[float, ...]
    std: float | tuple[float, ...]
    classes: int = 10

    @property
    def normalised_by(self) -> str:
        """Mean and deviation in words."""
        mean, std = (
            ", ".join(f"{value:.4f}" for value in (values if isinstance(values, tuple) else (values,)))
            for values in (self.mean, self.std)
        )
        return f"mean {mean} and deviation {std}"
