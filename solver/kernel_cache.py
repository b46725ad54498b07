"""Compiled kernels on disk, safe when several processes compile at the same time.

Numba numbers the files of a function's compilations. Two processes that begin with an empty cache, one with float32 and
the other with float64, both take the first number, and whoever reads the index of one finds the machine code of the
other: "can't unbox array from PyObject". Here a file is named after what it holds; an entry that is lost when two write
the index is only compiled once more.
"""

from __future__ import annotations

import hashlib
from typing import Any

from numba.core.caching import IndexDataCacheFile


class NamedByKey(IndexDataCacheFile):
    """One function's compilations, each in a file named after its signature, processor and byte code."""

    def save(self, key: Any, data: Any) -> None:
        """Keep a compilation."""
        digest = hashlib.sha256(repr(key).encode()).digest()
        name = self._data_name(int.from_bytes(digest[:8], "little"))
        self._save_data(name, data)  # before the index, which others may read at any time
        self._save_index(self._load_index() | {key: name})


def name_by_key(compiled: Any) -> None:
    """Let the cache of a compiled function, which is enabled, keep its files so."""
    compiled._cache._cache_file.__class__ = NamedByKey
