"""One line that says that kernels are being compiled: the first call of all takes seconds, later ones none."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from typing import Any

from numba.core import event

PACKAGES = ("solver.", "nnbridge.")


class _Announcement(event.Listener):
    """Prints its line to the standard error stream when the first kernel of ours is compiled in this process."""

    def __init__(self, where: Callable[[], str]) -> None:
        self.where = where
        self.made = False

    def on_start(self, event: Any) -> None:
        ours = (event.data["dispatcher"].py_func.__module__ or "").startswith(PACKAGES)
        if ours and not self.made:
            self.made = True
            print(f"pdebridge: compiling kernels for this processor, some seconds; {self.where()}", file=sys.stderr)

    def on_end(self, event: Any) -> None:
        """Say nothing more."""


def announce_compiling(where: Callable[[], str]) -> None:
    """Announce the first compilation; `where` says where the result is kept."""
    event.register("numba:compile", _Announcement(where))


@cache
def announce_waiting() -> None:
    """Say once that another process compiles what this one needs."""
    print("pdebridge: another process is compiling kernels for this processor; waiting for them", file=sys.stderr)
