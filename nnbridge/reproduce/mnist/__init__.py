"""The three networks of 522 to 524 parameters on MNIST: what to train, and the table of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nnbridge.reproduce.study import Planned, Run, Spread, by_row
from nnbridge.training import BACKBONES, TrainingConfig

#: Two digits that look alike unless the whole outline is seen: what the paper counts.
CONFUSED = (3, 5)


@dataclass(frozen=True)
class Summary:
    """One network over all seeds: accuracy in per cent, errors between 3 and 5, images/s in training."""

    backbone: str
    parameters: int
    accuracy: Spread
    confusions: Spread
    images_per_second: Spread


def plan(template: TrainingConfig, seeds: int) -> list[Planned]:
    """Return the runs of the study, seed by seed, with every network in turn.

    ``template`` gives all choices but the network and the seed; the seeds are 0 to ``seeds`` - 1.

    Raises
    ------
    ValueError
        If ``seeds`` is less than 1.
    """
    if seeds < 1:
        raise ValueError(f"`seeds` is {seeds}, but a study needs at least 1")
    choices = template.as_dict()
    return [
        Planned(backbone, TrainingConfig(**(choices | {"backbone": backbone, "seed": seed})))
        for seed in range(seeds)
        for backbone in BACKBONES
    ]


def confusions(run: Run) -> int:
    """Count the test images of a 3 taken for a 5, and of a 5 taken for a 3."""
    three, five = CONFUSED
    return run.metrics.confusion[three][five] + run.metrics.confusion[five][three]


def summarise(runs: Sequence[Run]) -> list[Summary]:
    """Summarise the runs of each network."""
    return [
        Summary(
            backbone=backbone,
            parameters=own[0].metrics.parameters,
            accuracy=Spread.of([run.metrics.test_accuracy for run in own]),
            confusions=Spread.of([confusions(run) for run in own]),
            images_per_second=Spread.of([run.metrics.images_per_second for run in own]),
        )
        for backbone, own in by_row(runs).items()
    ]
