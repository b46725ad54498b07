"""What this machine offers: versions, threads, backends, GPU."""

from __future__ import annotations

import os
import platform
from importlib import metadata, util
from pathlib import Path

from solver import backends
from solver.compiling import cache_folder, config

PACKAGES = ("pdebridge", "numpy", "numba", "llvmlite", "scipy", "torch", "matplotlib", "numba-cuda", "mpi4py")


def describe() -> dict[str, str]:
    """Return named facts, each as one line."""
    facts = {"python": platform.python_version(), "system": platform.platform(terse=True)}
    facts |= {name: version(name) or "absent" for name in PACKAGES}
    facts["processor"] = processor()
    facts["cores"] = str(os.cpu_count())
    facts["solver threads"] = f"{config.NUMBA_NUM_THREADS} (NUMBA_NUM_THREADS)"
    facts["kernel cache"] = str(cache_folder())
    facts["backends"] = ", ".join(backends.names())
    facts["backend cuda"] = _cuda()
    facts["GPU"] = _gpu()
    return facts


def processor() -> str:
    """Return the model name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def version(package: str) -> str | None:
    """Return the version of an installed distribution, or None."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _cuda() -> str:
    """Return whether the backend can run, or why not."""
    try:
        from solver.cuda.target import why_not
    except ImportError as error:
        return str(error)
    return why_not() or "can run"


def _gpu() -> str:
    if util.find_spec("torch") is None:
        return "unknown: torch is absent"
    import torch

    if not torch.cuda.is_available():
        return "none that torch can use"
    return ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))
