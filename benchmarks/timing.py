"""Timing that survives a noisy machine: warm-up, then interleaved rounds, then medians."""

from __future__ import annotations

import ctypes
import statistics
import time
from collections.abc import Callable, Mapping


def interleaved_medians(runs: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median seconds of each run; every round times each of them once, so that drift hits all alike.

    Each run is called twice before, uncounted: compilation, caches, allocators.
    """
    for run in runs.values():
        run()
        run()
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            begin = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - begin)
    return {name: statistics.median(values) for name, values in seconds.items()}


def keep_freed_memory() -> bool:
    """Tell glibc not to return freed memory to the system; return False where there is no glibc.

    By default each large result is given back and asked for again, page by page: for every peer, the gradients of a
    case cost more in page faults than in arithmetic, and the faults of two threads wait for each other.
    """
    trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD of malloc.h
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(mallopt(trim_threshold, 2**31 - 1) and mallopt(mmap_threshold, 2**30))


def copy_bandwidth(rounds: int = 15) -> float:
    """Return bytes a second, read plus written, of a copy of 256 MiB by all threads of torch: the yardstick."""
    import torch

    source = torch.ones(64 * 1024 * 1024)
    target = torch.empty_like(source)
    seconds = interleaved_medians({"copy": lambda: target.copy_(source)}, rounds)["copy"]
    return 2 * source.numel() * source.element_size() / seconds
