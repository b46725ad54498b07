"""CIFAR-10 and CIFAR-100: 50,000 training and 10,000 test images of 32 x 32 in three colours, the binary version.

A record is a byte for the class (CIFAR-100: one for the superclass before it) and 3,072 bytes of red, green and blue.
Nothing is unpickled. A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch

from nnbridge.data.archive import Archive, find_unpacked
from nnbridge.data.records import Dataset, Split

COLOURS, SIZE = 3, 32
PIXELS: Final = COLOURS * SIZE * SIZE
# The published code's, for both sets: the means are CIFAR-10's, the deviations means of the images' own (over all
# training pixels they are 0.2470, 0.2435, 0.2616).
MEAN: Final = (0.4914, 0.4822, 0.4465)
STD: Final = (0.2023, 0.1994, 0.2010)


@dataclass(frozen=True)
class Cifar:
    """One of the two sets.

    Parameters
    ----------
    name
        As `nnbridge.data.load` takes it.
    archive
        The published archive and its files.
    train, test
        Names of the files of each split.
    labels
        Bytes before the pixels of a record; the last of them is the class.
    classes
        How many there are.
    """

    name: str
    archive: Archive
    train: tuple[str, ...]
    test: tuple[str, ...]
    labels: int
    classes: int


CIFAR10: Final = Cifar(
    name="cifar10",
    archive=Archive(
        title="CIFAR-10",
        url="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        md5="c32a1d4ab5d03f1284b67883e8d87530",
        folder="cifar-10-batches-bin",
        sha256={
            "data_batch_1.bin": "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
            "data_batch_2.bin": "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
            "data_batch_3.bin": "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
            "data_batch_4.bin": "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
            "data_batch_5.bin": "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
            "test_batch.bin": "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
        },
    ),
    train=tuple(f"data_batch_{n}.bin" for n in range(1, 6)),
    test=("test_batch.bin",),
    labels=1,
    classes=10,
)

CIFAR100: Final = Cifar(
    name="cifar100",
    archive=Archive(
        title="CIFAR-100",
        url="https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
        md5="03b5dce01913d631647c71ecec9e9cb8",
        folder="cifar-100-binary",
        sha256=dict.fromkeys(("train.bin", "test.bin")),
    ),
    train=("train.bin",),
    test=("test.bin",),
    labels=2,
    classes=100,
)


def load_cifar(cifar: Cifar, data_dir: str | Path | None = None) -> Dataset:
    """Find, check and read the files of ``cifar``; its images stay bytes, see `nnbridge.data.augmentation`.

    Raises
    ------
    FileNotFoundError
        As `nnbridge.data.archive.find_unpacked` does.
    ValueError
        If a file is not the published one, or holds no whole number of records, or a class that there is not.
    """
    folder = find_unpacked(cifar.archive, data_dir)
    train, test = (_split([folder / name for name in names], cifar) for names in (cifar.train, cifar.test))
    return Dataset(cifar.name, train, test, MEAN, STD, cifar.classes)


def _split(paths: list[Path], cifar: Cifar) -> Split:
    records = np.concatenate([_read(path, cifar) for path in paths])
    labels = records[:, cifar.labels - 1].astype(np.int64)
    if labels.max(initial=0) >= cifar.classes:
        raise ValueError(
            f"{paths[0].parent} holds the class {labels.max()}, but {cifar.archive.title} has 0 to {cifar.classes - 1}"
        )
    images = np.ascontiguousarray(records[:, cifar.labels :]).reshape(-1, COLOURS, SIZE, SIZE)
    return Split(torch.from_numpy(images), torch.from_numpy(labels))


def _read(path: Path, cifar: Cifar) -> np.ndarray:
    """Return the records of a file, (count, labels + 3072) bytes."""
    content, wanted = path.read_bytes(), cifar.archive.sha256[path.name]
    if wanted is not None and hashlib.sha256(content).hexdigest() != wanted:
        raise ValueError(
            f"{path} is not the published file of {cifar.archive.title}: its SHA-256 differs. Delete it, and it is "
            "downloaded again, or copied anew"
        )
    size = cifar.labels + PIXELS
    if not content or len(content) % size:
        raise ValueError(f"{path} has {len(content)} bytes, which are no records of {size}: it is cut off or another")
    return np.frombuffer(content, np.uint8).reshape(-1, size)
