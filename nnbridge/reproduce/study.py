"""The study: three networks, several seeds, one folder for each run, and what they come to together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

from nnbridge.data import Dataset
from nnbridge.training import (
    BACKBONES,
    EpochRecord,
    Metrics,
    Observer,
    RunFolder,
    TrainingConfig,
    resume,
    train,
)
from nnbridge.training.config import Backbone

#: Two digits that look alike unless the whole outline is seen: what the paper counts.
CONFUSED = (3, 5)


@dataclass(frozen=True)
class Run:
    """A finished run: its choices, its result, and its epochs."""

    config: TrainingConfig
    metrics: Metrics
    history: Sequence[EpochRecord]
    folder: Path

    @property
    def confusions(self) -> int:
        """Count the test images of a 3 taken for a 5, and of a 5 taken for a 3."""
        three, five = CONFUSED
        return self.metrics.confusion[three][five] + self.metrics.confusion[five][three]


@dataclass(frozen=True)
class Spread:
    """A mean over seeds, with the standard deviation of the sample (0 for a single seed)."""

    mean: float
    deviation: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Summarise ``values``, at least one."""
        return cls(mean(values), stdev(values) if len(values) > 1 else 0.0, len(values))

    def text(self, decimals: int) -> str:
        """Write mean ± deviation, or the mean alone where there is a single value."""
        spread = f" ± {self.deviation:.{decimals}f}" if self.count > 1 else ""
        return f"{self.mean:.{decimals}f}{spread}"


@dataclass(frozen=True)
class Summary:
    """One network over all seeds: accuracy in per cent, errors between 3 and 5, images/s in training."""

    backbone: Backbone
    parameters: int
    accuracy: Spread
    confusions: Spread
    images_per_second: Spread


def configurations(template: TrainingConfig, seeds: int) -> list[TrainingConfig]:
    """Return the configs of the study, seed by seed, with every network in turn.

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
        TrainingConfig(**(choices | {"backbone": backbone, "seed": seed}))
        for seed in range(seeds)
        for backbone in BACKBONES
    ]


def execute(
    configs: Sequence[TrainingConfig],
    dataset: Dataset,
    out: Path,
    watch: Callable[[TrainingConfig], AbstractContextManager[Sequence[Observer]]],
) -> Iterator[Run]:
    """Yield each run once it is finished: read if it was before, continued if interrupted, else trained.

    Parameters
    ----------
    configs
        From `configurations`.
    dataset
        The images.
    out
        Runs go into ``out/runs/<backbone>-seed<seed>``.
    watch
        Opens the observers of one run.

    Raises
    ------
    ValueError
        If a folder holds a run with other choices.
    """
    for config in configs:
        folder = RunFolder(out / "runs" / f"{config.backbone}-seed{config.seed}")
        if folder.started and folder.config() != config:
            raise ValueError(
                f"{folder.path} holds a run with other choices ({_difference(folder.config(), config)}): "
                "choose another folder with --out, or repeat them"
            )
        if folder.finished:
            metrics = folder.read_metrics()
        else:
            with watch(config) as observers:
                if folder.started:
                    metrics = resume(folder.path, dataset, observers=observers)
                else:
                    metrics = train(config, dataset, folder.path, observers=observers)
        yield Run(config, metrics, folder.read_log(), folder.path)


def summarise(runs: Sequence[Run]) -> list[Summary]:
    """Summarise the runs of each network, in the order of `nnbridge.training.BACKBONES`."""
    summaries = []
    for backbone in BACKBONES:
        own = [run for run in runs if run.config.backbone == backbone]
        summaries.append(
            Summary(
                backbone=backbone,
                parameters=own[0].metrics.parameters,
                accuracy=Spread.of([run.metrics.test_accuracy for run in own]),
                confusions=Spread.of([run.confusions for run in own]),
                images_per_second=Spread.of([run.metrics.images_per_second for run in own]),
            )
        )
    return summaries


def _difference(there: TrainingConfig, wanted: TrainingConfig) -> str:
    old, new = there.as_dict(), wanted.as_dict()
    return ", ".join(f"{name} {old[name]}, not {new[name]}" for name in old if old[name] != new[name])
