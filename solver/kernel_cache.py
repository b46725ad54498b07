"""Compiled kernels on disk, safe when several processes compile at the same time, and compiled by one of them.

Numba numbers the files of a function's compilations. Two processes that begin with an empty cache, one with float32 and
the other with float64, both take the first number, and whoever reads the index of one finds the machine code of the
other: "can't unbox array from PyObject". Here a file is named after what it holds; an entry that is lost when two write
the index is only compiled once more. And what one process compiles, the others wait for: processes that are begun
together, to train one network, would all compile the same kernels, each on its share of the cores.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout
from numba.core.caching import IndexDataCacheFile
from numba.core.compiler_lock import global_compiler_lock

LONGEST: Final = 120.0  # seconds to wait for a kernel of another process, which may have been stopped; then it is made


class NamedByKey(IndexDataCacheFile):
    """One function's compilations, each in a file named after its signature, processor and byte code."""

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
    compiled._cache._cache_file.__class__ = NamedByKey
    compile_it = compiled.compile

    def compile_once(signature: Any) -> Any:
        # Our lock inside Numba's, which `compile_it` takes as well: two threads would else wait for each other.
        with global_compiler_lock:
            if signature in compiled.overloads:
                return compile_it(signature)
            with _alone(compiled, signature):
                return compile_it(signature)

    compiled.compile = compile_once


@contextmanager
def _alone(compiled: Any, signature: Any) -> Iterator[None]:
    """Hold the lock of one compilation; go on without it where there are none, or it takes too long."""
    cache = compiled._cache
    key = cache._index_key(signature, compiled.targetctx.codegen())
    folder = Path(cache.cache_path)
    lock = FileLock(folder / f"{compiled.py_func.__name__}-{number_of(key)}.lock", timeout=LONGEST)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except (Timeout, OSError, NotImplementedError):
        pass
    try:
        yield
    finally:
        lock.release()
