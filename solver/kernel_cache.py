"""Compiled kernels on disk, safe when several processes compile at the same time, and compiled by one of them.

Numba numbers the files of a function's compilations. Two processes that begin with an empty cache, one with float32 and
the other with float64, both take the first number, and whoever reads the index of one finds the machine code of the
other: "can't unbox array from PyObject". Here a file is named after what it holds; an entry that is lost when two write
the index is only compiled once more. And what one process compiles, the others wait for: processes that are begun
together, to train one network, would all compile the same kernels, each on its share of the cores.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout
from numba.core.caching import IndexDataCacheFile
from numba.core.compiler_lock import global_compiler_lock

from solver.announcing import announce_waiting

LONGEST: Final = 120.0  # seconds to wait for a kernel of another process, which may have been stopped; then it is made


class NamedByKey(IndexDataCacheFile):
    """One function's compilations, each in a file named after its signature, processor and byte code."""

    def holds(self, key: Any) -> bool:
        """Whether a compilation was kept."""
        with suppress(OSError):
            return key in self._load_index()
        return False

    def save(self, key: Any, data: Any) -> None:
        """Keep a compilation."""
        name = self._data_name(number_of(key))
        self._save_data(name, data)  # before the index, which others may read at any time
        self._save_index(self._load_index() | {key: name})


def number_of(key: Any) -> int:
    """Return the number of a signature, processor and byte code."""
    return int.from_bytes(hashlib.sha256(repr(key).encode()).digest()[:8], "little")


def keep_safely(compiled: Any) -> None:
    """Let a compiled function, whose cache is enabled, name its files so, and compile where no other process does."""
    cache, compile_it = compiled._cache, compiled.compile
    cache._cache_file.__class__ = NamedByKey

    def compile_once(sig: Any) -> Any:
        # The process's lock inside Numba's, which `compile_it` takes as well: two threads would else wait for each
        # other. Meanwhile no other thread of this process compiles, as during a compilation of its own.
        with global_compiler_lock:
            key = cache._index_key(sig, compiled.targetctx.codegen())
            if sig in compiled.overloads or cache._cache_file.holds(key):
                return compile_it(sig)
            with _alone(Path(cache.cache_path) / f"{compiled.py_func.__name__}-{number_of(key)}.lock"), _uncollected():
                return compile_it(sig)

    compiled.compile = compile_once


@contextmanager
def _uncollected() -> Iterator[None]:
    """Let the collector of garbage rest.

    Its rounds over a million objects of torch and Numba were a ninth of the time in which a layer is compiled.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the lock of one compilation; go on without it where it cannot be had, or not in `LONGEST` seconds."""
    lock = FileLock(path)
    try:
        # The last is what filelock 3.12 raises where a file system has no locks; 4.2 makes do with a file of its own.
        with suppress(Timeout, OSError, NotImplementedError):
            path.parent.mkdir(parents=True, exist_ok=True)
            _acquire(lock)
        yield
    finally:
        with suppress(OSError):  # what is compiled is of use all the same
            lock.release()


def _acquire(lock: Any) -> None:
    """Take a lock, and say so if it is waited for."""
    try:
        lock.acquire(timeout=0)
    except Timeout:
        announce_waiting()
        lock.acquire(timeout=LONGEST)
