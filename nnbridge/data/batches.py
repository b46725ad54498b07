"""Batches cut from tensors in memory: no workers, no work in Python for a single image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from nnbridge.data.records import Split


class Batches:
    """Iterate over a split once an epoch, in a new random order each time.

    Parameters
    ----------
    split
        Its tensors decide the device of the batches.
    batch_size
        Images in a batch, at least 1; the last batch of an epoch may be smaller.
    seed
        Seed of the order. The generator is private and on the CPU: the order depends neither on other random
        numbers nor on the device.

    Raises
    ------
    ValueError
        If ``batch_size`` is less than 1.

    Examples
    --------
    >>> split = Split(torch.zeros(5, 1, 28, 28), torch.arange(5))
    >>> [len(labels) for _, labels in Batches(split, batch_size=2, seed=0)]
    [2, 2, 1]
    """

    def __init__(self, split: Split, batch_size: int, seed: int) -> None:
        if batch_size < 1:
            raise ValueError(f"`batch_size` is {batch_size}, but a batch holds at least 1 image")
        self.split = split
        self.batch_size = batch_size
        self._generator = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return -(-len(self.split) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        images, labels = self.split.images, self.split.labels
        order = torch.randperm(len(self.split), generator=self._generator).to(labels.device)
        for indices in order.split(self.batch_size):
            yield images[indices], labels[indices]

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the generator, from which the next epoch's order follows."""
        return {"generator": self._generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state that `state_dict` returned."""
        self._generator.set_state(state["generator"])
