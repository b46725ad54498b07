"""One process at a time trains in a folder: two would write over each other's checkpoints."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

if sys.platform != "win32":  # which has none, and goes without
    import fcntl

LOCK: Final = "lock"


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder while the block lasts; the system lets go of it if this one is ended.

    Raises
    ------
    ValueError
        If another process holds it.
    """
    if sys.platform == "win32":
        yield
        return
    with (folder / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ValueError(
                f"another process trains in {folder}: wait until it has finished, or choose another folder (--out)"
            ) from None
        yield
