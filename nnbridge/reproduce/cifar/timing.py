"""How long networks take for the test images, measured in turns so that all meet the same machine."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from time import perf_counter
from typing import Final

import torch
from torch import nn

from nnbridge.data import Dataset, Normalisation
from nnbridge.training.evaluation import predict
from nnbridge.training.machine import use_threads

ROUNDS: Final = 3
_WARM_UP: Final = 1000  # images


def inference_seconds(models: Mapping[str, nn.Module], dataset: Dataset, threads: int) -> dict[str, float]:
    """Return the seconds that each model takes for all test images: the median of three rounds, in turns.

    The models run where their parameters are, in chunks of 1,000 images, with so many CPU threads; normalisation is
    part of it. A first pass over 1,000 images is not counted.
    """
    found: dict[str, list[float]] = {name: [] for name in models}
    normalise = Normalisation(dataset.mean, dataset.std)
    with use_threads(threads):
        for turn in range(ROUNDS + 1):
            for name, model in models.items():
                device = next(model.parameters()).device
                split = dataset.test if turn else dataset.test.first(_WARM_UP)
                split = split.to(device)
                _wait(device)
                start = perf_counter()
                predict(model, split, normalise)
                _wait(device)
                if turn:
                    found[name].append(perf_counter() - start)
    return {name: median(seconds) for name, seconds in found.items()}


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
