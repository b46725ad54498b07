"""Sharing a kernel call among threads: plain Python threads, because the kernels release the GIL.

Numba's own parallel loops were measured and left: compiling them doubles the start-up time; while another program (or
torch's own threads, which spin after each operation) uses a core, their OpenMP barrier turned 0.6 ms into 12 ms; the
workqueue layer aborts on concurrent calls; none survives a fork, so that a DataLoader worker dies. A thread pool costs
some 30 microseconds a call and has none of this. Every cell is computed by the same code on the same range of planes
or bands whoever computes it, so one thread and n threads give the same bits.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Lock
from typing import Any

from solver.compiling import config

ENOUGH = 100_000  # cell updates, some 50 microseconds of one core: less is not worth waking a thread

_pool: ThreadPoolExecutor | None = None
_making = Lock()


def threads_for(updates: int, most: int | None) -> int:
    """Return how many threads a call of so many cell updates should use: `most`, or else NUMBA_NUM_THREADS."""
    return 1 if updates < ENOUGH else most or int(config.NUMBA_NUM_THREADS)


def share(kernel: Callable[..., None], arguments: tuple[Any, ...], count: int, threads: int) -> None:
    """Call ``kernel(*arguments, first, last)`` on `threads` parts of range(count), one of them on this thread."""
    threads = max(1, min(threads, count))
    bounds = [count * t // threads for t in range(threads + 1)]
    others = [_workers().submit(kernel, *arguments, bounds[t], bounds[t + 1]) for t in range(1, threads)]
    try:
        kernel(*arguments, bounds[0], bounds[1])
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
