"""The data sets in memory: digits, MNIST, and the batches cut from them."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from nnbridge import data
from nnbridge.data import Batches, Split
from nnbridge.data.files import _in_root
from nnbridge.data.idx import _unpacked
from nnbridge.data.mnist import MNIST, TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


def test_digits_are_split_by_class_in_proportion(digits):
    assert (len(digits.train), len(digits.test)) == (1437, 360)
    assert digits.train.images.shape == (1437, 1, 28, 28)
    assert digits.train.images.dtype == torch.float32
    assert digits.train.labels.dtype == torch.int64
    share = digits.test.labels.bincount() / (digits.train.labels.bincount() + digits.test.labels.bincount())
    assert torch.all((share - 0.2).abs() < 0.01)


def test_digits_are_normalised_by_their_training_images_alone(digits):
    assert abs(float(digits.train.images.mean())) < 1e-5
    assert abs(float(digits.train.images.std()) - 1) < 1e-5
    black = -digits.mean / digits.std
    assert float(digits.train.images.min()) == pytest.approx(black)
    assert float(digits.test.images.min()) == pytest.approx(black)
    assert abs(float(digits.test.images.mean())) > 1e-4


def test_no_digit_is_in_both_splits_and_none_is_lost(digits):
    from sklearn.datasets import load_digits

    both = torch.cat([digits.train.images, digits.test.images])[:, 0].double() * digits.std + digits.mean
    # The mean over all pixels of an image tells the images apart well enough to match them with the originals.
    enlarged = np.array([bilinear(image / 16) for image in load_digits().images])
    weights = np.random.default_rng(0).normal(size=(28, 28))
    found, expected = (np.sort(np.tensordot(images, weights, 2)) for images in (both.numpy(), enlarged))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def bilinear(image):
    """Enlarge 8 x 8 to 28 x 28: pixels are areas, so output centre i lies at (i + 1/2) 8/28 - 1/2, clamped."""
    at = np.clip((np.arange(28) + 0.5) * 8 / 28 - 0.5, 0, 7)
    matrix = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(8)[None, :]))
    return matrix @ image @ matrix.T


def test_digits_are_the_same_each_time(digits):
    again = data.load("digits")
    assert torch.equal(again.train.images, digits.train.images)
    assert torch.equal(again.test.labels, digits.test.labels)


def test_an_unknown_data_set_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="`name` is 'cifar', but the data sets are digits, mnist, fashion-mnist"):
        data.load("cifar")


def test_a_split_needs_as_many_labels_as_images():
    with pytest.raises(ValueError, match="`images` holds 3 but `labels` holds 2"):
        Split(torch.zeros(3, 1, 28, 28), torch.zeros(2, dtype=torch.int64))


def numbered(count: int) -> Split:
    labels = torch.arange(count)
    return Split(labels.float().view(-1, 1, 1, 1).expand(count, 1, 28, 28), labels)


def epoch(batches: Batches) -> list[int]:
    return torch.cat([labels for _, labels in batches]).tolist()


@pytest.mark.parametrize(("count", "size"), [(10, 3), (12, 4), (5, 8), (1, 1)])
def test_an_epoch_has_each_image_once_with_its_own_label(count, size):
    batches = Batches(numbered(count), batch_size=size, seed=1)
    parts = list(batches)
    assert len(parts) == len(batches)
    assert all(len(labels) == size for _, labels in parts[:-1])
    assert all(torch.equal(images[:, 0, 0, 0].long(), labels) for images, labels in parts)
    assert sorted(epoch(batches)) == list(range(count))


def test_the_order_follows_from_the_seed_and_changes_with_the_epoch():
    one, same, other = (Batches(numbered(50), 8, seed) for seed in (3, 3, 4))
    first = epoch(one)
    torch.rand(5)  # other random numbers must not matter
    assert epoch(same) == first
    assert epoch(other) != first
    assert epoch(one) != first


def test_the_order_continues_from_a_saved_state():
    batches = Batches(numbered(50), 8, seed=3)
    epoch(batches)
    state = batches.state_dict()
    expected = epoch(batches)
    again = Batches(numbered(50), 8, seed=99)
    again.load_state_dict(state)
    assert epoch(again) == expected


def test_a_batch_holds_at_least_one_image():
    with pytest.raises(ValueError, match="`batch_size` is 0"):
        Batches(numbered(5), 0, seed=0)


SHA256 = {
    TRAIN_IMAGES: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    TRAIN_LABELS: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    TEST_IMAGES: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    TEST_LABELS: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


@pytest.fixture
def mnist_files():
    root = os.environ.get("PDEBRIDGE_DATA")
    found = _in_root(MNIST.source, Path(root)) if root else None
    if found is None:
        pytest.skip("PDEBRIDGE_DATA names no folder with the MNIST files")
    return found


@pytest.mark.mnist
def test_mnist_is_the_published_one(mnist_files):
    assert {name: hashlib.sha256(_unpacked(path)).hexdigest() for name, path in mnist_files.items()} == SHA256


@pytest.mark.mnist
def test_mnist_loads_normalised_by_the_customary_constants(mnist_files):
    mnist = data.load("mnist", Path(os.environ["PDEBRIDGE_DATA"]))
    assert mnist.train.images.shape == (60_000, 1, 28, 28)
    assert mnist.test.images.shape == (10_000, 1, 28, 28)
    assert mnist.test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert abs(float(mnist.train.images.mean())) < 1e-3
    assert abs(float(mnist.train.images.std()) - 1) < 1e-3
