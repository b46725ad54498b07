"""A study: rows of a table, several seeds of each, one folder for each run, and what they come to together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

from nnbridge.data import Dataset
from nnbridge.training import (
    DivergenceError,
    EpochRecord,
    Metrics,
    Observer,
    RunFolder,
    TrainingConfig,
    resume,
    train,
)


@dataclass(frozen=True)
class Planned:
    """A run to be: the row of the table that it belongs to, and its choices, the seed among them."""

    row: str
    config: TrainingConfig

    def folder(self, out: Path) -> RunFolder:
        """Return its folder, ``out/runs/<row>-seed<seed>``."""
        return RunFolder(out / "runs" / f"{self.row}-seed{self.config.seed}")


@dataclass(frozen=True)
class Run:
    """A finished run: its row and choices, its result, its epochs, its folder."""

    row: str
    config: TrainingConfig
    metrics: Metrics
    history: Sequence[EpochRecord]
    folder: Path


@dataclass(frozen=True)
class Diverged:
    """A run whose loss became infinite or NaN: its row and choices, and what training said of it."""

    row: str
    config: TrainingConfig
    reason: str


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


def execute(
    plan: Sequence[Planned],
    dataset: Dataset,
    out: Path,
    watch: Callable[[Planned], AbstractContextManager[Sequence[Observer]]],
) -> Iterator[Run | Diverged]:
    """Yield each run once it is finished: read if it was before, continued if interrupted, else trained.

    One that diverges does not keep the others from being trained.

    Parameters
    ----------
    plan
        The runs, in their order.
    dataset
        The images.
    out
        Folder of the study; see `Planned.folder`.
    watch
        Opens the observers of one run.

    Raises
    ------
    ValueError
        If a folder holds a run with other choices.
    """
    for planned in plan:
        folder, config = planned.folder(out), planned.config
        if (folder.started or folder.finished) and folder.config() != config:
            raise ValueError(
                f"{folder.path} holds a run with other choices ({_difference(folder.config(), config)}): "
                "choose another folder with --out, or repeat them"
            )
        try:
            if not folder.finished:
                with watch(planned) as observers:
                    if folder.started:
                        resume(folder.path, dataset, observers=observers)
                    else:
                        train(config, dataset, folder.path, observers=observers)
            yield read(planned, out)
        except DivergenceError as error:
            yield Diverged(planned.row, config, str(error))


def read(planned: Planned, out: Path) -> Run:
    """Return a run that is finished."""
    folder = planned.folder(out)
    return Run(planned.row, planned.config, folder.read_metrics(), folder.read_log(), folder.path)


def by_row(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Return the runs of each row, in the order in which rows come first."""
    rows: dict[str, list[Run]] = {}
    for run in runs:
        rows.setdefault(run.row, []).append(run)
    return rows


def _difference(there: TrainingConfig, wanted: TrainingConfig) -> str:
    old, new = there.as_dict(), wanted.as_dict()
    return ", ".join(f"{name} {old[name]}, not {new[name]}" for name in old if old[name] != new[name])
