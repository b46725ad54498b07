"""Whole networks for CIFAR as cases: ResNet-Global against the network that it condenses, and against its twin."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.case import BringsExact, Prepared
from benchmarks.peers import EAGER, OURS, REMOVED, RESNET32

TRAINING, INFERENCE = "training step", "inference"
IMAGES = {TRAINING: 128, INFERENCE: 1000}


@dataclass(frozen=True)
class NetworkCase(BringsExact):
    """A training step, or a pass in evaluation, on images of 3 x 32 x 32; `updates` are images."""

    work: str
    channels_last: bool = False
    contenders: tuple[str, ...] = (OURS, EAGER, RESNET32, REMOVED)
    group: str = "networks"
    bytes: None = None
    operations: None = None

    @property
    def updates(self) -> int:
        """Images of a call."""
        return IMAGES[self.work]

    @property
    def name(self) -> str:
        """What is done, with how many images, and how they and all weights lie in memory."""
        layout = ", channels last" if self.channels_last else ""
        return f"ResNet-Global K=1, {self.work} of {self.updates}{layout}"

    def prepare(self, contender: str) -> Prepared:
        """Build the network of a contender."""
        from benchmarks import networks

        return networks.prepare(self.work, contender, self.channels_last)


def cases() -> list[NetworkCase]:
    """Return both cases in both layouts."""
    return [NetworkCase(work, last) for last in (False, True) for work in IMAGES]
