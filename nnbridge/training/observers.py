"""Who watches a training run: a progress bar, TensorBoard."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from nnbridge.training.config import TrainingConfig
from nnbridge.training.records import EpochRecord

_REFRESH_STEPS: Final = 20


class Observer:
    """Is told what happens in a run, and changes nothing in it; what it raises ends the run."""

    def on_step(self, epoch: int, step: int, steps: int) -> None:
        """Take note that ``step`` of ``steps`` of ``epoch`` is done; all are counted from 1."""

    def on_epoch(self, record: EpochRecord) -> None:
        """Take note of a complete epoch, whose checkpoint is written."""


class ProgressBar(Observer):
    """A bar over all epochs, with the test accuracy, the speed and the time left."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def on_step(self, epoch: int, step: int, steps: int) -> None:
        """Move the bar."""
        if step % _REFRESH_STEPS == 0:
            self._progress.update(self._task, completed=epoch - 1 + step / steps)

    def on_epoch(self, record: EpochRecord) -> None:
        """Show the epoch's numbers."""
        numbers = f"test {record.test_accuracy:.2f} %, {record.images_per_second:,.0f} images/s"
        self._progress.update(self._task, completed=record.epoch, numbers=numbers)


@contextmanager
def progress_bar(config: TrainingConfig, title: str, console: Console) -> Iterator[ProgressBar]:
    """Show a bar for one run, with ``title`` before it, while the ``with`` block lasts."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=12),
        TextColumn("epoch {task.completed:.0f}/{task.total}"),
        TextColumn("{task.fields[numbers]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(title, total=config.epochs, numbers="")
        yield ProgressBar(progress, task)


class TensorBoard(Observer):
    """Writes the log as scalars, for ``tensorboard --logdir``.

    Parameters
    ----------
    folder
        Where the event files go.
    first_epoch
        The epoch that comes next; what an interrupted run wrote from there on is dropped.
    """

    def __init__(self, folder: Path, first_epoch: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder), purge_step=first_epoch)

    def on_epoch(self, record: EpochRecord) -> None:
        """Write one point of every curve."""
        for name, value in asdict(record).items():
            if name != "epoch":
                self._writer.add_scalar(name, value, record.epoch)
        self._writer.flush()


def tensorboard_available() -> bool:
    """Whether the package ``tensorboard``, which is optional, is installed."""
    return find_spec("tensorboard") is not None
