"""The progress bar of a solve: nothing at all unless it is asked for."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress


class Ticker:
    """Shows how many steps are done and how long the rest will take."""

    def __init__(self, show: bool, total: int, done: int) -> None:
        self._show, self._total, self._done = show, total, done
        self._bar: Progress | None = None

    def __enter__(self) -> Ticker:
        if self._show:
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("solving"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns)
            self._task = self._bar.add_task("solving", total=self._total, completed=self._done)
            self._bar.start()
        return self

    def reached(self, step: int) -> None:
        """Report that the run is at `step`."""
        if self._bar:
            self._bar.update(self._task, completed=step)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()
