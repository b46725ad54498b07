"""A Global layer in evaluation as cases: the calls of `benchmarks.evaluation`."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from benchmarks.case import BringsExact, Prepared
from benchmarks.peers import COMPILED, EAGER, OURS, PARTS

SHAPES = ((128, 64, 8, 8), (128, 32, 16, 16), (128, 16, 32, 32))
STEPS = (1, 5)
WORDS = 2  # a cell, for any K: the input is read, the output written; float32


@dataclass(frozen=True)
class EvaluationCase(BringsExact):
    """One call of the layer on a batch; `updates` are images."""

    shape: tuple[int, ...]
    steps: int
    channels_last: bool = False
    contenders: tuple[str, ...] = (OURS, PARTS, EAGER, COMPILED)
    group: str = "evaluation"
    operations: None = None

    @property
    def name(self) -> str:
        """The input's shape, K, and how the input lies in memory."""
        layout = ", channels last" if self.channels_last else ""
        return f"{'x'.join(map(str, self.shape))} K={self.steps}{layout}"

    @property
    def bytes(self) -> int:
        """Compulsory traffic of the one pass; the parts move 31 words a cell."""
        return WORDS * 4 * prod(self.shape)

    @property
    def updates(self) -> int:
        """Images in the batch."""
        return self.shape[0]

    def prepare(self, contender: str) -> Prepared:
        """Build the layer for a contender."""
        from benchmarks import evaluation

        return evaluation.prepare(self.shape, self.steps, contender, self.channels_last)


def cases() -> list[EvaluationCase]:
    """Return the cases of the three stages of the CIFAR network that have a layer; channels last with one step."""
    planes = [EvaluationCase(shape, steps) for shape in SHAPES for steps in STEPS]
    return [*planes, *(EvaluationCase(shape, 1, channels_last=True) for shape in SHAPES)]
