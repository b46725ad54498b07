"""How many threads a kernel call may use.

One parallel call at a time: Numba's workqueue layer aborts on concurrent calls, and two would share the same cores
anyway. None in a forked process (a DataLoader worker): the threads of the parent do not exist there, and waiting for
them hangs or kills it. None for little work, where waking a thread costs more than it saves. In each of these cases
the serial kernel gives the same bits.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numba

ENOUGH = 50_000  # cell updates, about 20 microseconds of one core

_busy = threading.Lock()
_forked = False


@contextmanager
def threads_for(updates: int) -> Iterator[int]:
    """Yield how many threads a kernel call of so many cell updates may use within the block."""
    threads: int = numba.get_num_threads()
    if _forked or updates < ENOUGH or threads == 1 or not _busy.acquire(blocking=False):
        yield 1
        return
    try:
        yield threads
    finally:
        _busy.release()


def _after_fork() -> None:
    global _forked
    _forked = True


os.register_at_fork(after_in_child=_after_fork)
