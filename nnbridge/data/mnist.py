"""MNIST and Fashion-MNIST: 60,000 training and 10,000 test images of 28 x 28, in four IDX files each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch

from nnbridge.data.augmentation import normalised
from nnbridge.data.files import Source, find
from nnbridge.data.idx import read_idx
from nnbridge.data.records import Dataset, Split

TRAIN_IMAGES: Final = "train-images-idx3-ubyte.gz"
TRAIN_LABELS: Final = "train-labels-idx1-ubyte.gz"
TEST_IMAGES: Final = "t10k-images-idx3-ubyte.gz"
TEST_LABELS: Final = "t10k-labels-idx1-ubyte.gz"

SIZE: Final = 28


@dataclass(frozen=True)
class IdxDataset:
    """A data set in MNIST's four files.

    Parameters
    ----------
    name
        As `nnbridge.data.load` takes it.
    source
        The published files.
    mean, std
        Of the training pixels, scaled to 0 to 1: the customary constants, four decimals.
    """

    name: str
    source: Source
    mean: float
    std: float


MNIST: Final = IdxDataset(
    name="mnist",
    source=Source(
        title="MNIST",
        folder="MNIST/raw",
        url="https://ossci-datasets.s3.amazonaws.com/mnist/",
        md5={
            TRAIN_IMAGES: "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            TRAIN_LABELS: "d53e105ee54ea40749a09fcbcd1e9432",
            TEST_IMAGES: "9fb629c4189551a2d022fa330f9573f3",
            TEST_LABELS: "ec29112dd5afa0611ce80d1b7f02629c",
        },
    ),
    mean=0.1307,
    std=0.3081,
)

FASHION_MNIST: Final = IdxDataset(
    name="fashion-mnist",
    source=Source(
        title="Fashion-MNIST",
        folder="FashionMNIST/raw",
        url="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        md5={
            TRAIN_IMAGES: "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            TRAIN_LABELS: "25c81989df183df01b3e8a0aad5dffbe",
            TEST_IMAGES: "bef4ecab320f06d8554ea6380940ec79",
            TEST_LABELS: "bb300cfdad3c16e7a12a480ee83cd310",
        },
    ),
    mean=0.2860,
    std=0.3530,
)


def load_idx_dataset(dataset: IdxDataset, data_dir: str | Path | None = None) -> Dataset:
    """Find, check and normalise the four files of ``dataset``.

    Raises
    ------
    FileNotFoundError
        As `nnbridge.data.files.find` does.
    ValueError
        If a file is damaged, the images are not 28 x 28, a label is not 0 to 9, or images and labels do not pair up.
    """
    paths = find(dataset.source, data_dir)
    train = _split(paths[TRAIN_IMAGES], paths[TRAIN_LABELS], dataset)
    test = _split(paths[TEST_IMAGES], paths[TEST_LABELS], dataset)
    return Dataset(dataset.name, train, test, dataset.mean, dataset.std)


def _split(image_file: Path, label_file: Path, dataset: IdxDataset) -> Split:
    pixels, labels = read_idx(image_file, dimensions=3), read_idx(label_file, dimensions=1)
    if pixels.shape[1:] != (SIZE, SIZE):
        raise ValueError(f"{image_file} holds images of {pixels.shape[1]} x {pixels.shape[2]}, not {SIZE} x {SIZE}")
    if len(pixels) != len(labels):
        raise ValueError(
            f"{image_file} holds {len(pixels)} images, but {label_file} {len(labels)} labels: "
            "they belong to different sets"
        )
    if labels.max(initial=0) > 9:
        raise ValueError(f"{label_file} holds the label {labels.max()}, but labels are 0 to 9")
    images = normalised(torch.tensor(pixels).unsqueeze(1), dataset.mean, dataset.std)
    return Split(images, torch.from_numpy(labels.astype(np.int64)))
