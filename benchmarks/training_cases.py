"""Whole training steps as cases: networks of `benchmarks.training`, kernel against plain torch."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.case import Prepared
from benchmarks.peers import OURS
from solver.records import Array


@dataclass(frozen=True)
class TrainingCase:
    """One training step, forward to optimiser: there is no float64 result to hold it against."""

    name: str
    updates: int
    contenders: tuple[str, ...]
    group: str = "training"
    bytes: None = None
    operations: None = None

    def prepare(self, contender: str) -> Prepared:
        """Build the network with our kernel or with plain torch."""
        import torch

        from benchmarks.training import training_step

        torch.set_num_threads(1)  # as in the recipe
        return Prepared(training_step("cpu" if contender == OURS else "torch"), lambda result: ())

    def reference(self) -> tuple[Array, ...]:
        """Return nothing."""
        return ()

    def sample(self, result: Array) -> Array:
        """Return the result."""
        return result


def cases() -> list[TrainingCase]:
    """Return the training step of the MNIST PDE network."""
    return [TrainingCase("MNIST PDE network, batch 128, one thread", 128, (OURS, "torch"))]
