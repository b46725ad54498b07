"""From a fresh interpreter to the first result of the layer's default path: `python -m benchmarks.startup`."""

from __future__ import annotations

import json
import tempfile
from itertools import pairwise
from time import perf_counter

from benchmarks.subprocesses import fresh

TIMES = ("import solver", "import nnbridge", "first forward", "first backward", "second forward and backward")


def table() -> list[dict[str, str]]:
    """Time the first calls with compiled kernels at hand, and with an empty cache."""
    fresh("benchmarks.startup")  # fills the user's cache if it is empty
    warm = fresh("benchmarks.startup")
    with tempfile.TemporaryDirectory() as folder:
        cold = fresh("benchmarks.startup", settings={"NUMBA_CACHE_DIR": folder})
    return [{"seconds": name, "warm cache": f"{warm[name]:.3f}", "cold": f"{cold[name]:.2f}"} for name in TIMES]


def measure() -> dict[str, float]:
    """Return seconds of each of TIMES."""
    clock = [perf_counter()]
    import solver  # noqa: F401

    clock.append(perf_counter())
    import torch

    from nnbridge import GlobalLayer

    clock.append(perf_counter())
    layer = GlobalLayer(16)
    x = torch.rand(8, 16, 32, 32, requires_grad=True)
    clock.append(perf_counter())
    result = layer(x).sum()
    clock.append(perf_counter())
    result.backward()
    clock.append(perf_counter())
    layer(x).sum().backward()
    clock.append(perf_counter())
    lengths = [later - earlier for earlier, later in pairwise(clock)]
    del lengths[2]  # making the inputs
    return dict(zip(TIMES, lengths, strict=True))


if __name__ == "__main__":
    print(json.dumps(measure()))
