"""The process of one contender: it holds a case's arrays, and runs when it is told to."""

from __future__ import annotations

import ctypes
import gc
import sys
import traceback
from multiprocessing.connection import Connection
from time import perf_counter
from typing import Any, NamedTuple

from benchmarks.case import Case, Prepared
from benchmarks.problem import distance
from benchmarks.stream import Bandwidth, Stream
from solver.records import Array

SHORT = 0.1  # seconds: a call below this is preceded by others that are not timed, to bring back caches and clocks
WARM = 0.03  # seconds of them: some ticks of the system's clock, by which it moves threads that share a core apart


class FirstCalls(NamedTuple):
    """What a contender's first two calls took, and whether it computes what it should.

    Attributes
    ----------
    first : float
        Seconds of the first call, generating and compiling code included.
    second : float
        Seconds of the second.
    error : float or None
        Distance from the exact result; None where there is none.
    """

    first: float
    second: float
    error: float | None


class Contender:
    """One contender in the case that is being measured."""

    def __init__(self) -> None:
        self.prepared: Prepared | None = None
        self.last = 0.0

    def prepare(self, case: Case, name: str, reference: tuple[Array, ...]) -> FirstCalls:
        """Set up and call twice."""
        self.drop()
        prepared = case.prepare(name)
        begin = perf_counter()
        result = prepared.run()
        first = perf_counter() - begin
        found = tuple(case.sample(array) for array in prepared.arrays(result))
        exact = prepared.exact() if prepared.exact else reference
        error = distance(found, exact) if found else None
        del result, found
        begin = perf_counter()
        prepared.run()
        self.last = perf_counter() - begin
        self.prepared = prepared
        return FirstCalls(first, self.last, error)

    def turn(self) -> float:
        """Return the seconds of one call."""
        if self.prepared is None:
            raise RuntimeError("a contender takes its turn only after `prepare`")
        until = perf_counter() + WARM
        while self.last < SHORT:
            self.prepared.run()
            if perf_counter() > until:
                break
        begin = perf_counter()
        self.prepared.run()
        self.last = perf_counter() - begin
        return self.last

    def drop(self) -> None:
        """Let the arrays of the case go, and give back to the system what was kept for it."""
        self.prepared = None
        give_back()


class Yardstick:
    """The copy and the triad take their turns like a contender."""

    def __init__(self) -> None:
        self.stream = Stream()
        self.stream.measure()

    def turn(self) -> Bandwidth:
        """Measure once."""
        return self.stream.measure()


def give_back() -> None:
    """Return freed memory to the system, in spite of `KEEP_FREED_MEMORY`.

    Between cases: plain torch frees 11 GB after K = 50 with its gradients, and eight processes that keep the most they
    ever had fill the memory of a machine.
    """
    gc.collect()
    if sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
        if trim is not None:
            trim(0)


def serve(connection: Connection, kind: type[Contender] | type[Yardstick]) -> None:
    """Do what the other end asks for, one (method, arguments) after the other, until it hangs up."""
    served = kind()
    while True:
        try:
            method, arguments = connection.recv()
        except EOFError:
            return
        connection.send(_answer(served, method, arguments))


def _answer(served: object, method: str, arguments: tuple[Any, ...]) -> tuple[str, Any]:
    try:
        return "done", getattr(served, method)(*arguments)
    except ImportError as error:
        return "absent", str(error)
    except Exception:  # it is the other process that reports it
        return "failed", traceback.format_exc(limit=-3)
