"""Whole training steps as cases: the networks of `benchmarks.training`, kernel, plain torch and torch.compile."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.case import BringsExact, Prepared
from benchmarks.peers import COMPILED, EAGER, OURS

NETWORKS = ("MNIST PDE network K=5", "CIFAR block K=1", "CIFAR block K=5")
BATCH = 128


@dataclass(frozen=True)
class TrainingCase(BringsExact):
    """One training step of a network, forward to optimiser; `updates` are images."""

    network: str
    updates: int = BATCH
    contenders: tuple[str, ...] = (OURS, EAGER, COMPILED)
    group: str = "training"
    bytes: None = None
    operations: None = None

    @property
    def name(self) -> str:
        """The network and its batch."""
        return f"{self.network}, batch {self.updates}"

    def prepare(self, contender: str) -> Prepared:
        """Build the network with our kernel, with plain torch or compiled."""
        from benchmarks import training

        return training.prepare(self.network, contender)


def cases() -> list[TrainingCase]:
    """Return a case for each network."""
    return [TrainingCase(network) for network in NETWORKS]
