"""The OpenMP runtime whose threads the kernels use: the one that torch ships, so that both have the same threads.

After each operation torch's threads spin for some milliseconds, waiting for the next. A second pool would compete with
them for the cores: measured right after a torch operation, 2048 planes of 32 x 32, K = 1, two cores: 10.0 ms with a
pool of our own, 5.5 ms on torch's threads. So a kernel enters torch's runtime, by GOMP_parallel, which GNU's, Intel's
and LLVM's runtimes all export. The library is loaded without importing torch.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

_forked = False


class Runtime(NamedTuple):
    """Addresses of two functions of an OpenMP runtime and two of the system's; all zero: there is none."""

    parallel: int = 0
    "void GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags)"
    size: int = 0
    "int omp_get_num_threads()"
    give_way: int = 0
    "int sched_yield()"
    sleep: int = 0
    "int usleep(unsigned)"


NOBODY = Runtime()


def runtime() -> Runtime:
    """Return torch's runtime, or NOBODY where there is none.

    A forked process has none: the runtime's threads do not exist there, and it would wait for them.
    """
    return NOBODY if _forked else _loaded()


@cache
def _loaded() -> Runtime:
    spec = find_spec("torch")
    folder = Path(spec.origin or "").parent / "lib" if spec else Path()
    for path in (path for name in ("libgomp", "libiomp", "libomp") for path in sorted(folder.glob(f"{name}*.so*"))):
        try:
            library = ctypes.CDLL(str(path))
            system = ctypes.CDLL(None)
            functions = (library.GOMP_parallel, library.omp_get_num_threads, system.sched_yield, system.usleep)
            addresses = [ctypes.cast(function, ctypes.c_void_p).value or 0 for function in functions]
        except (OSError, AttributeError):
            continue
        return Runtime(*addresses)
    return NOBODY


def _after_fork() -> None:
    global _forked
    _forked = True


os.register_at_fork(after_in_child=_after_fork)
