"""Sharing a kernel call among threads: plain Python threads, because the kernels release the GIL.

Numba's own parallel loops were measured and left: compiling them doubles the start-up time; while another program uses
a core, their OpenMP barrier turned 0.6 ms into 12 ms; the workqueue layer aborts on concurrent calls; none survives a
fork, so that a DataLoader worker dies. A thread pool costs some 30 microseconds a call and has none of this. A program
that has threads of its own can lend them as a `Team`, as nnbridge does with torch's.

Every cell is computed by the same code on the same plane or band whoever computes it, so one thread and n threads give
the same bits.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Lock
from typing import Any, NamedTuple

from solver.compiling import config

ENOUGH = 100_000  # cell updates, some 50 microseconds of one core: less is not worth waking a thread

_pool: ThreadPoolExecutor | None = None
_making = Lock()


class Team(NamedTuple):
    """The threads that a call may use."""

    size: int
    "how many, the caller's own included"
    run: Callable[[Callable[[int], None], int], None]
    "run(work, parts) calls work(0) ... work(parts - 1), at once, and returns when all are done"

    def for_work(self, updates: int) -> Team:
        """Return the team for a call of so many cell updates: this one, or the caller alone."""
        return self if updates >= ENOUGH else Team(1, self.run)


def own_team() -> Team:
    """Return a team of NUMBA_NUM_THREADS threads, by default one a core."""
    return Team(int(config.NUMBA_NUM_THREADS), run_in_pool)


def share(kernel: Callable[..., None], arguments: tuple[Any, ...], count: int, team: Team) -> None:
    """Call ``kernel(*arguments, first, last)`` on parts of range(count), one for each of the team."""
    parts = max(1, min(team.size, count))
    if parts == 1:
        kernel(*arguments, 0, count)
    else:
        team.run(lambda t: kernel(*arguments, count * t // parts, count * (t + 1) // parts), parts)


def run_in_pool(work: Callable[[int], None], parts: int) -> None:
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
