"""Running the studies one after another, so that neither an error nor an interrupt loses what is done."""

from __future__ import annotations

import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from validation.study import Claim, Study, StudyResult, Work


@dataclass(frozen=True)
class Outcome:
    """A study, what it found, how long it took in seconds, and the traceback if it raised."""

    study: Study
    result: StudyResult
    seconds: float
    error: str = ""

    @property
    def passed(self) -> bool:
        """Whether the study came to its end and no claim failed."""
        return self.result.passed and not self.error

    @property
    def reason(self) -> str:
        """Why there are no claims: the last line of the traceback, or why the study was skipped."""
        return self.error.strip().rpartition("\n")[-1] or self.result.skipped

    @property
    def summary(self) -> str:
        """A word or a few: how many claims hold, or that there are none."""
        if self.error:
            return "error"
        if self.result.skipped:
            return "skipped"
        claims = self.result.claims
        return f"{sum(claim.holds for claim in claims)} of {len(claims)}"


@dataclass(frozen=True)
class Run:
    """What one run of the command did.

    Attributes
    ----------
    command
        The command that does it again.
    full
        Whether the studies were the full ones.
    outcomes
        One for each study that ended, in the order of the report.
    seconds
        Of all of them together.
    missing
        Names of the studies that an interrupt left undone.
    """

    command: str
    full: bool
    outcomes: Sequence[Outcome]
    seconds: float
    missing: Sequence[str] = ()

    @property
    def claims(self) -> list[Claim]:
        """All claims of all studies."""
        return [claim for outcome in self.outcomes for claim in outcome.result.claims]

    @property
    def errors(self) -> list[str]:
        """Names of the studies that raised."""
        return [outcome.study.name for outcome in self.outcomes if outcome.error]

    @property
    def passed(self) -> bool:
        """Whether every study came to its end and no claim failed."""
        return not self.missing and all(outcome.passed for outcome in self.outcomes)

    @property
    def verdict(self) -> str:
        """What the run found, in a sentence or two."""
        held = sum(claim.holds for claim in self.claims)
        parts = [f"{held} of {len(self.claims)} claims hold."]
        if self.errors:
            parts.append(f"Ended by an error: {', '.join(self.errors)}.")
        if self.missing:
            parts.append(f"Interrupted before the end of: {', '.join(self.missing)}.")
        return " ".join(parts)


def run_studies(
    studies: Sequence[Study], full: bool, command: str, console: Console, show: Callable[[Outcome], None]
) -> Run:
    """Run the studies one by one, with progress, and ``show`` each outcome as it comes.

    A study that raises has its traceback for an outcome; an interrupt (Ctrl-C) ends the run early, but returns it.
    """
    begin = perf_counter()
    outcomes: list[Outcome] = []
    with _progress_bars(console) as progress, _interrupts() as interrupted:
        whole = progress.add_task("all studies", total=sum(study.weight for study in studies))
        part = progress.add_task("")
        try:
            for study in studies:
                done = progress.tasks[whole].completed

                def report(fraction: float, study: Study = study, done: float = done) -> None:
                    if interrupted():
                        raise KeyboardInterrupt
                    progress.update(part, completed=fraction)
                    progress.update(whole, completed=done + study.weight * fraction)

                progress.reset(part, total=1.0, description=study.title)
                outcome = _outcome(study, Work(full, report))
                if interrupted():  # the solver ends a run early and returns it: the study has judged half a run
                    break
                report(1.0)
                outcomes.append(outcome)
                show(outcome)
        except KeyboardInterrupt:
            pass
    missing = [study.name for study in studies[len(outcomes) :]]
    return Run(command, full, outcomes, perf_counter() - begin, missing)


def _outcome(study: Study, work: Work) -> Outcome:
    """Run one study; close its figures, which can still be drawn, or many studies would hold too many open."""
    import matplotlib.pyplot as plt

    begin = perf_counter()
    try:
        result = study.run(work)
    except Exception:  # whatever it is, the other studies are not to be lost
        return Outcome(study, StudyResult(), perf_counter() - begin, traceback.format_exc())
    for picture in result.pictures:
        plt.close(picture.figure)
    return Outcome(study, result, perf_counter() - begin)


def _progress_bars(console: Console) -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("elapsed"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    # The estimate is taken over the whole run: the studies advance too unevenly for the last half minute to tell.
    return Progress(*columns, console=console, transient=True, speed_estimate_period=24 * 3600.0)


@contextmanager
def _interrupts() -> Iterator[Callable[[], bool]]:
    """Yield a function that tells whether Ctrl-C was pressed, also where someone has caught the exception."""
    pressed: list[int] = []

    def notice(number: int, frame: FrameType | None) -> None:
        pressed.append(number)
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGINT, notice)
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, previous)
