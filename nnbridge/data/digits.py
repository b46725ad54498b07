"""Real handwritten digits that need no network: scikit-learn's 1,797 images of 8 x 8, enlarged to MNIST's size."""

from __future__ import annotations

from typing import Final

import torch
from torch.nn.functional import interpolate

from nnbridge.data.records import Dataset, Split

SIZE: Final = 28
GREY_LEVELS: Final = 16
TEST_FRACTION: Final = 0.2
SPLIT_SEED: Final = 0
# Of the training images, scaled to 0 to 1. Constants, because a sum over a million pixels rounds differently on every
# machine, and because a network that is given a picture has no training images at hand.
MEAN: Final = 0.3053833842277527
STD: Final = 0.32470476627349854


def load_digits() -> Dataset:
    """Load the digits: 1,437 to train on and 360 to test on, every class in proportion.

    The images are enlarged bilinearly from 8 x 8 to 28 x 28 and normalised by mean and standard deviation of the
    training images. Which images are the test images belongs to the data, not to a run: it is always the same.

    References
    ----------
    E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI, 1998. DOI 10.24432/C50P49.
    """
    from sklearn.datasets import load_digits as load_bundled
    from sklearn.model_selection import train_test_split

    bundled = load_bundled()
    pixels = torch.from_numpy(bundled.images).float().unsqueeze(1) / GREY_LEVELS
    labels = torch.from_numpy(bundled.target).long()
    images = interpolate(pixels, size=(SIZE, SIZE), mode="bilinear", align_corners=False)

    train, test = train_test_split(
        torch.arange(len(labels)).numpy(), test_size=TEST_FRACTION, stratify=bundled.target, random_state=SPLIT_SEED
    )
    images = (images - MEAN) / STD
    return Dataset("digits", Split(images[train], labels[train]), Split(images[test], labels[test]), MEAN, STD)
