"""Handwritten digits, clothes and small photographs, in memory as tensors."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from torch import Tensor

from nnbridge.data import cifar, digits
from nnbridge.data.augmentation import Augmentation, Normalisation, normalised
from nnbridge.data.batches import Batches
from nnbridge.data.cifar import CIFAR10, CIFAR100, load_cifar
from nnbridge.data.classes import class_names
from nnbridge.data.digits import load_digits
from nnbridge.data.mnist import FASHION_MNIST, MNIST, load_idx_dataset
from nnbridge.data.records import Dataset, Split

__all__ = [
    "KINDS",
    "Augmentation",
    "Batches",
    "Dataset",
    "Kind",
    "Normalisation",
    "Split",
    "available",
    "class_names",
    "load",
]


class Kind(NamedTuple):
    """What the images of a data set are like."""

    colours: int
    size: int
    "rows and columns"
    classes: int
    normalise: Callable[[Tensor], Tensor]
    "makes of bytes (N, colours, size, size) what a network of the set takes, to the last bit as in training"


_PHOTOGRAPHS: Final = Normalisation(cifar.MEAN, cifar.STD)
KINDS: Final = {
    "digits": Kind(1, 28, 10, partial(normalised, mean=digits.MEAN, std=digits.STD)),
    "mnist": Kind(1, 28, 10, partial(normalised, mean=MNIST.mean, std=MNIST.std)),
    "fashion-mnist": Kind(1, 28, 10, partial(normalised, mean=FASHION_MNIST.mean, std=FASHION_MNIST.std)),
    "cifar10": Kind(3, 32, 10, _PHOTOGRAPHS),
    "cifar100": Kind(3, 32, 100, _PHOTOGRAPHS),
}
_LOADERS: dict[str, Callable[[str | Path | None], Dataset]] = {
    "digits": lambda data_dir: load_digits(),
    "mnist": lambda data_dir: load_idx_dataset(MNIST, data_dir),
    "fashion-mnist": lambda data_dir: load_idx_dataset(FASHION_MNIST, data_dir),
    "cifar10": lambda data_dir: load_cifar(CIFAR10, data_dir),
    "cifar100": lambda data_dir: load_cifar(CIFAR100, data_dir),
}


def available() -> tuple[str, ...]:
    """Return the names that `load` takes."""
    return tuple(_LOADERS)


def load(name: str, data_dir: str | Path | None = None) -> Dataset:
    """Load a data set by name.

    Parameters
    ----------
    name
        One of `available`.
    data_dir
        Where to look for the files of all but ``digits``, instead of the environment variable
        ``PDEBRIDGE_DATA``, the cache, or a download; ``digits`` comes with scikit-learn.

    Raises
    ------
    ValueError
        If ``name`` is unknown, or a file is damaged.
    FileNotFoundError
        If the files are nowhere; the message says which to put where.
    """
    if name not in _LOADERS:
        raise ValueError(f"`name` is {name!r}, but the data sets are {', '.join(_LOADERS)}")
    return _LOADERS[name](data_dir)
