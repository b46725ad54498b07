"""Timing that survives a noisy machine: warm-up, then interleaved rounds, then medians."""

from __future__ import annotations

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


def copy_bandwidth(rounds: int = 15) -> float:
    """Return bytes a second, read plus written, of a copy of 256 MiB by all threads of torch: the yardstick."""
    import torch

    source = torch.ones(64 * 1024 * 1024)
    target = torch.empty_like(source)
    seconds = interleaved_medians({"copy": lambda: target.copy_(source)}, rounds)["copy"]
    return 2 * source.numel() * source.element_size() / seconds
