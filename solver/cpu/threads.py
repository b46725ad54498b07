"""Who computes a kernel call: a team of threads, and how the call is shared among them.

Numba's own parallel loops were measured and left: compiling them doubles the start-up time; while another program uses
a core, their OpenMP barrier turned 0.6 ms into 12 ms; the workqueue layer aborts on concurrent calls; none survives a
fork, so that a DataLoader worker dies. The kernels enter torch's OpenMP runtime themselves; where there is none, or
after a fork, plain Python threads share a call, because the kernels release the GIL.

Every cell is computed by the same code on the same plane or strip whoever computes it, so one thread and n threads give
the same bits.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Lock
from typing import Any, NamedTuple

from solver.compiling import config
from solver.cpu.openmp import NOBODY, Runtime, runtime
from solver.cpu.sharing import Span

ENOUGH = 100_000  # cell updates, some 50 microseconds of one core: less is not worth waking a thread
PIECES = 8  # for each thread: each piece makes its own scratch

_pool: ThreadPoolExecutor | None = None
_making = Lock()


class Team(NamedTuple):
    """The threads that a call may use."""

    size: int
    "how many, the caller's own included"
    runtime: Runtime = NOBODY
    "whose they are; of nobody: Python threads"
    pieces: int = 0
    "into so many pieces a call is cut; by default one for each thread"

    def for_work(self, updates: int) -> Team:
        """Return the team for a call of so many cell updates: this one, or the caller alone."""
        if updates < ENOUGH:
            return Team(1)
        return self._replace(pieces=max(self.size, min(PIECES * self.size, updates // ENOUGH)))


def team_of(size: int) -> Team:
    """Return a team of so many threads, of torch's OpenMP runtime where it is found."""
    return Team(size, runtime())


def own_team() -> Team:
    """Return a team of NUMBA_NUM_THREADS threads, by default one a core."""
    return team_of(int(config.NUMBA_NUM_THREADS))


def share(kernel: Callable[..., None], arguments: tuple[Any, ...], count: int, team: Team) -> None:
    """Call ``kernel(*arguments, span)`` for all of range(count), with one part for each of the team."""
    parts = max(1, min(team.size, count))
    if parts == 1 or team.runtime != NOBODY:
        kernel(*arguments, Span(0, count, parts, -(-count // max(parts, team.pieces)), team.runtime))
    else:
        _run_in_pool(lambda t: kernel(*arguments, Span(count * t // parts, count * (t + 1) // parts)), parts)


def _run_in_pool(work: Callable[[int], None], parts: int) -> None:
    """Run part 0 on this thread and the others in a pool of Python threads."""
    others = [_workers().submit(work, part) for part in range(1, parts)]
    try:
        work(0)
    finally:
        wait(others)  # they write into memory that the caller owns
    for other in others:
        other.result()


def _workers() -> ThreadPoolExecutor:
    global _pool
    with _making:
        if _pool is None:
            _pool = ThreadPoolExecutor(max(1, (os.cpu_count() or 2) - 1), thread_name_prefix="pdebridge")
        return _pool


def _forget_workers() -> None:
    """Start afresh in a forked process, where the threads of the parent do not exist."""
    global _pool, _making
    _pool, _making = None, Lock()


os.register_at_fork(after_in_child=_forget_workers)
