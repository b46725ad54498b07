"""The processes of a run: this one alone, or as many as ``torchrun`` started."""

from __future__ import annotations

import atexit
import os
from functools import cache
from typing import NamedTuple

import torch


class Processes(NamedTuple):
    """How many processes make a run, and which of them this one is."""

    total: int
    "on all machines together"
    here: int
    "on this machine, as many as on any other"
    number: int
    "of this one, from 0"

    @property
    def first(self) -> bool:
        """Whether this is the one that writes files and speaks."""
        return self.number == 0


def processes() -> Processes:
    """Return what torchrun left in the environment; a single process where it did not start this one."""
    if not (torch.distributed.is_available() and torch.distributed.is_torchelastic_launched()):
        return Processes(1, 1, 0)
    return Processes(*(int(os.environ[name]) for name in ("WORLD_SIZE", "LOCAL_WORLD_SIZE", "RANK")))


@cache
def leave_group_at_exit() -> None:
    """End the processes' group when this one exits, while the interpreter is whole.

    The threads of a group that is left may hold tensors, and whoever lets go of one after the interpreter has begun to
    end is killed by it: the process then ends with SIGABRT, its work done (pytorch/pytorch#179291).
    """
    atexit.register(_leave_group)


def _leave_group() -> None:
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
