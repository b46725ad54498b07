"""Contenders take turns, each in a process of its own.

In one process their thread pools get in each other's way: torch's OpenMP threads spin for milliseconds after a call,
and whoever comes next has half the cores. So each contender has a process, and only one works at a time. A round gives
every contender one turn, and the copy and the triad as well: what drifts hits all alike.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from multiprocessing import get_context
from time import sleep
from typing import Any

from benchmarks.case import Case
from benchmarks.load import Others
from benchmarks.results import FAILED, MEASURED, Row
from benchmarks.settings import SETTINGS
from benchmarks.stream import Bandwidth
from benchmarks.worker import Contender, FirstCalls, Yardstick, serve

PATIENCE = 300.0  # seconds for one answer; whoever has none by then is ended and shown as failed
NOT_CALLED = FirstCalls(0.0, 0.0, None)
REST = 0.02  # seconds between two turns, in which the threads of the one before fall asleep


class _Process:
    """The other end of a contender."""

    def __init__(self, kind: type[Contender] | type[Yardstick], settings: Mapping[str, str]) -> None:
        spawn = get_context("spawn")
        self.connection, theirs = spawn.Pipe()
        self.process = spawn.Process(target=serve, args=(theirs, kind), daemon=True)
        before = dict(os.environ)
        os.environ.update(settings)  # the C library reads them when a process begins, so the child must inherit them
        try:
            self.process.start()
        finally:
            os.environ.clear()
            os.environ.update(before)
        theirs.close()

    def ask(self, method: str, *arguments: Any) -> tuple[str, Any]:
        """Call a method there and wait for its answer, but not forever."""
        try:
            self.connection.send((method, arguments))
            if not self.connection.poll(PATIENCE):
                self.process.kill()
                self.process.join()
                return FAILED, f"no answer within {PATIENCE:.0f} s"
            answer: tuple[str, Any] = self.connection.recv()
        except (EOFError, OSError):
            self.process.join()
            return FAILED, f"its process ended with code {self.process.exitcode}"
        return answer

    def close(self) -> None:
        """Hang up, upon which the process ends."""
        self.connection.close()
        self.process.join(10)


@dataclass
class _Entry:
    """One contender's results in a case."""

    name: str
    process: _Process
    status: str = MEASURED
    note: str = ""
    calls: FirstCalls = NOT_CALLED
    seconds: list[float] = field(default_factory=list)

    @property
    def spent(self) -> float:
        """Seconds of its calls after the first, which compiles."""
        return self.calls.second + sum(self.seconds)

    @property
    def timed(self) -> list[float]:
        """Seconds of its turns; of the second call where that left no budget for any."""
        return self.seconds or [self.calls.second]


class Contest:
    """The processes of a run; a context manager, at whose end they are gone."""

    def __init__(self, rounds: int, budget: float, settings: Mapping[str, str] | None = None) -> None:
        self.rounds, self.budget = rounds, budget
        self.settings = SETTINGS | dict(settings or {})
        self.yardstick = _Process(Yardstick, self.settings)
        self.processes: dict[str, _Process] = {}

    def __enter__(self) -> Contest:
        return self

    def __exit__(self, *_: object) -> None:
        for process in (self.yardstick, *self.processes.values()):
            process.close()

    def measure(self, case: Case, contenders: Iterable[str]) -> list[Row]:
        """Measure a case: set every contender up, then let them take turns."""
        reference = case.reference()
        entries = [self._set_up(case, name, reference) for name in contenders]
        others = Others()
        bandwidths = [self._turn_of_yardstick(others)]
        for _ in range(self.rounds):
            waiting = [e for e in entries if e.status == MEASURED and e.spent < self.budget]
            if not waiting:
                break
            bandwidths.append(self._turn_of_yardstick(others))
            for entry in waiting:
                self._turn(entry)
        for entry in entries:
            entry.process.ask("drop")
        best = Bandwidth(*(statistics.median(values) for values in zip(*bandwidths, strict=True)))
        return [self._row(case, entry, best, others.share) for entry in entries]

    def _set_up(self, case: Case, name: str, reference: tuple[Any, ...]) -> _Entry:
        process = self.processes.get(name)
        if process is None or not process.process.is_alive():
            process = self.processes[name] = _Process(Contender, self.settings)
        entry = _Entry(name, process)
        status, answer = process.ask("prepare", case, name, reference)
        if status == MEASURED:
            entry.calls = answer
        else:
            entry.status, entry.note = status, answer
        return entry

    def _turn(self, entry: _Entry) -> None:
        sleep(REST)
        status, answer = entry.process.ask("turn")
        if status == MEASURED:
            entry.seconds.append(answer)
        else:
            entry.status, entry.note = status, answer

    def _turn_of_yardstick(self, others: Others) -> Bandwidth:
        sleep(REST)
        others.watch()
        status, answer = self.yardstick.ask("turn")
        if status != MEASURED:
            raise RuntimeError(f"the copy and the triad could not be measured: {answer}")
        found: Bandwidth = answer
        return found

    @staticmethod
    def _row(case: Case, entry: _Entry, bandwidth: Bandwidth, others: float | None) -> Row:
        if entry.status != MEASURED:
            return Row(case.group, case.name, entry.name, entry.status, note=entry.note)
        median = statistics.median(entry.timed)
        return Row(
            case.group,
            case.name,
            entry.name,
            MEASURED,
            seconds=median,
            best=min(entry.timed),
            rounds=len(entry.timed),
            compiling=max(0.0, entry.calls.first - median),
            error=entry.calls.error,
            updates=case.updates,
            bytes=case.bytes,
            operations=case.operations,
            copy=bandwidth.copy,
            triad=bandwidth.triad,
            others=others,
        )
