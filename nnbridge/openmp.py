"""Torch's own threads, lent to the kernel.

After each operation torch's OpenMP threads spin for some milliseconds, waiting for the next. A second pool of threads
would compete with them for the cores: measured right after a torch operation, 2048 planes of 32 x 32, K = 1, two
cores: 10.0 ms with a pool of our own, 5.5 ms on torch's threads. So the kernel enters the OpenMP runtime that torch has
loaded, by GOMP_parallel, which GNU's, Intel's and LLVM's runtimes all export.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import torch

from solver.cpu.threads import Team, run_in_pool

_BODY = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_forked = False


def torch_team() -> Team:
    """Return as many threads as torch uses: torch's own where its OpenMP runtime is found, else a pool's."""
    runtime = None if _forked else _runtime()
    return Team(torch.get_num_threads(), partial(run_in_openmp, runtime) if runtime else run_in_pool)


def run_in_openmp(runtime: ctypes.CDLL, work: Callable[[int], None], parts: int) -> None:
    """Run the parts in one OpenMP parallel region; the first error of any part is raised here."""
    errors: list[BaseException] = []
    done = [False] * parts

    def body(_: int | None) -> None:
        part = runtime.omp_get_thread_num()
        try:
            work(part)
            done[part] = True
        except BaseException as error:  # it cannot pass through C
            errors.append(error)

    callback = _BODY(body)
    runtime.GOMP_parallel(callback, None, parts, 0)
    if errors:
        raise errors[0]
    for part in range(parts):  # the runtime may give fewer threads than were asked for
        if not done[part]:
            work(part)


@cache
def _runtime() -> ctypes.CDLL | None:
    """Find the OpenMP runtime that torch ships and has loaded."""
    folder = Path(torch.__file__).parent / "lib"
    for library in (path for name in ("libgomp", "libiomp", "libomp") for path in sorted(folder.glob(f"{name}*.so*"))):
        try:
            runtime = ctypes.CDLL(str(library))
            runtime.GOMP_parallel.restype = None
            runtime.omp_get_thread_num.restype = ctypes.c_int
        except (OSError, AttributeError):
            continue
        return runtime
    return None


def _after_fork() -> None:
    """Keep out of OpenMP in a forked process: the runtime's threads do not exist there, and it would wait for them."""
    global _forked
    _forked = True


os.register_at_fork(after_in_child=_after_fork)
