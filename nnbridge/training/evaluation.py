"""Predictions of a network on a split, and what they are worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torchmetrics.functional.classification import multiclass_accuracy, multiclass_confusion_matrix

from nnbridge.data import Split

CLASSES: Final = 10
_CHUNK: Final = 1000  # bounds the memory, and changes no result: BatchNorm uses its running statistics


def predict(model: nn.Module, split: Split, prepare: Callable[[Tensor], Tensor] = lambda images: images) -> Tensor:
    """Return the predicted class of every image, int64, (count,); the model is left in evaluation mode.

    ``prepare`` makes of images what the model takes: images that are bytes are normalised.
    """
    model.eval()
    with torch.no_grad():
        return torch.cat([model(prepare(images)).argmax(dim=1) for images in split.images.split(_CHUNK)])


def accuracy(predicted: Tensor, labels: Tensor, classes: int = CLASSES) -> float:
    """Return the per cent of images whose class was predicted."""
    return 100 * float(multiclass_accuracy(predicted, labels, classes, average="micro", validate_args=False))


def confusion_matrix(predicted: Tensor, labels: Tensor, classes: int = CLASSES) -> list[list[int]]:
    """Count images by class: ``matrix[true][predicted]``."""
    matrix: list[list[int]] = multiclass_confusion_matrix(predicted, labels, classes).tolist()
    return matrix


def largest_confusions(matrix: Sequence[Sequence[int]], count: int) -> list[tuple[int, int, int]]:
    """Return the errors made most often, at most ``count``: (true class, predicted class, images), the most first."""
    errors = [
        (true, predicted, images)
        for true, row in enumerate(matrix)
        for predicted, images in enumerate(row)
        if true != predicted and images
    ]
    return sorted(errors, key=lambda error: -error[2])[:count]
