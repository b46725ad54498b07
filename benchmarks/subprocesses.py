"""Measurements that need an interpreter of their own: nothing imported, nothing compiled, no memory touched before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SOURCES = str(Path(__file__).parents[1])


def fresh(module: str, *arguments: str, settings: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Run `python -m module arguments` anew and return the JSON record that it prints last."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env=os.environ | {"PYTHONPATH": SOURCES} | dict(settings or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{module} {' '.join(arguments)} ended with code {done.returncode}:\n{done.stderr}")
    record: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return record
