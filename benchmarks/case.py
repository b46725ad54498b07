"""The record of a measured case, and what it asks of a contender."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, Protocol

from benchmarks import traffic
from benchmarks.problem import Problem
from solver.records import Array


class Prepared(NamedTuple):
    """A contender set up for a case."""

    run: Callable[[], Any]
    "what is timed, once a call; the first call also generates and compiles whatever the contender needs"
    arrays: Callable[[Any], tuple[Array, ...]]
    "makes of its result H[K], or the gradients, as NumPy arrays"
    exact: Callable[[], tuple[Array, ...]] | None = None
    "what it should have computed, if that is another scheme than ours"


def built_at_first_call(build: Callable[[], Callable[[], Any]]) -> Callable[[], Any]:
    """Return the function that `build` makes, made when it is first called.

    For a contender that generates and compiles its code apart from running it: a jitted function compiles in its first
    call, and one that was built in the set-up would seem to need no compilation.
    """
    built = cache(build)
    return lambda: built()()


class Case(Protocol):
    """What the measurement needs to know of a case; plain data, because it is sent to other processes."""

    @property
    def name(self) -> str:
        """Unique, such as ``2048x32x32 K=5 forward+backward``."""

    @property
    def group(self) -> str:
        """The table that it belongs to."""

    @property
    def contenders(self) -> tuple[str, ...]:
        """Who is measured: ours first, then its peers."""

    @property
    def bytes(self) -> int | None:
        """Compulsory traffic of a call; None where it is not known."""

    @property
    def operations(self) -> int | None:
        """Arithmetic of a call; None where it is not known."""

    @property
    def updates(self) -> int:
        """What a call gets done: cell updates, or images."""

    def prepare(self, contender: str) -> Prepared:
        """Set a contender up; ImportError if it is absent."""

    def reference(self) -> tuple[Array, ...]:
        """Return the result in float64; empty where there is none to compare with."""

    def sample(self, result: Array) -> Array:
        """Return the part of a result that `reference` holds."""


class BringsExact:
    """A case whose contenders bring the exact result of their weights along, in place of one reference for all."""

    def reference(self) -> tuple[Array, ...]:
        """Return nothing."""
        return ()

    def sample(self, result: Array) -> Array:
        """Return the result."""
        return result


@dataclass(frozen=True)
class SchemeCase:
    """K steps of the scheme, and with `backward` their gradients."""

    name: str
    group: str
    problem: Problem
    backward: bool
    contenders: tuple[str, ...]

    @property
    def bytes(self) -> int:
        """Compulsory traffic: see `benchmarks.traffic`."""
        return traffic.moved(self.problem, self.backward)

    @property
    def operations(self) -> int:
        """Arithmetic: see `benchmarks.traffic`."""
        return traffic.operations(self.problem, self.backward)

    @property
    def updates(self) -> int:
        """Cell updates of the forward steps."""
        return self.problem.cells * self.problem.steps

    def prepare(self, contender: str) -> Prepared:
        """Import the contender and let it set itself up."""
        from benchmarks import peers

        module = peers.load(contender)
        made: Prepared = module.backward(self.problem) if self.backward else module.forward(self.problem)
        return made

    def reference(self) -> tuple[Array, ...]:
        """Return H[K] or the gradients from the NumPy oracle."""
        return self.problem.reference(self.backward)

    def sample(self, result: Array) -> Array:
        """Return the planes that the reference was computed for."""
        return self.problem.sample(result)
