"""Drawing the figures in a process of its own, while the studies go on: half of a quick run would be spent on them."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from types import TracebackType
from typing import Self

from solver.report import Png, render
from validation.running import Outcome


class Renderer:
    """Takes outcomes as they come, and has their figures drawn when asked for.

    To be used in a ``with`` block. The process is spawned, not forked: the threads of the kernels would not live in a
    copy of this one.
    """

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(1, get_context("spawn"), _ignore_interrupts)
        self._begun: dict[str, Future[Png]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def begin(self, outcome: Outcome) -> None:
        """Begin to draw the figures of a study."""
        for picture in outcome.result.pictures:
            self._begun[picture.name] = self._pool.submit(render, picture.figure)

    def drawn(self) -> Mapping[str, Png]:
        """Wait for all figures and return them by name."""
        return {name: figure.result() for name, figure in self._begun.items()}


def _ignore_interrupts() -> None:
    """Leave Ctrl-C to the process that runs the studies: the figures of what is done are still wanted."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
