"""What a run ran on: versions, hardware, threads, command. Kept with every run, so that a number can be traced."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import torch

from nnbridge.processes import processes
from solver.environment import processor, version

_PACKAGES: Final = ("pdebridge", "torch", "numpy", "numba", "scikit-learn", "pytorch-lightning", "torchmetrics")


def describe() -> dict[str, Any]:
    """Describe this process and machine in strings and numbers."""
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(["python", *sys.orig_argv[1:]]),
        "commit": _commit(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "platform": platform.platform(),
        "cpu": processor(),
        "cpus": os.cpu_count(),
        "processes": processes().total,
        "torch_threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def _commit() -> str | None:
    """Return the commit of the source tree, with ``-dirty`` if it was changed since; None outside a repository."""
    try:
        answer = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"],
            cwd=Path(__file__).parent, capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
