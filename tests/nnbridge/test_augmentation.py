"""Images from bytes: normalisation, and crops, flips and squares, each against a loop over images."""

import numpy as np
import pytest
import torch

from nnbridge.data.augmentation import Augmentation, Normalisation

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)


@pytest.fixture
def normalise():
    return Normalisation(MEAN, STD)


@pytest.fixture
def images():
    generator = torch.Generator().manual_seed(3)
    return torch.randint(0, 256, (64, 3, 9, 8), dtype=torch.uint8, generator=generator)


def by_hand(images):
    mean, std = (np.reshape(values, (1, 3, 1, 1)) for values in (MEAN, STD))
    return (images.numpy() / 255.0 - mean) / std


def changed(normalise, images, seed=0, padding=0, flip=False, cutout=0):
    return Augmentation(normalise, padding=padding, flip=flip, cutout=cutout, seed=seed)(images)


def test_normalisation(normalise, images):
    found = normalise(images)
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.numpy(), by_hand(images), rtol=0, atol=2e-6)
    assert normalise(found) is found


def test_nothing_random_is_normalisation_alone(normalise, images):
    torch.testing.assert_close(changed(normalise, images), normalise(images), rtol=0, atol=0)


def test_every_crop_is_one_of_those_that_there_are_and_all_come(normalise, images):
    one = images[:1].expand(600, 3, 9, 8)
    framed = np.pad(images[0].numpy(), ((0, 0), (2, 2), (2, 2)))
    crops = {framed[:, i : i + 9, j : j + 8].tobytes(): (i, j) for i in range(5) for j in range(5)}
    unscaled = changed(normalise, one, padding=2) * torch.tensor(STD).reshape(3, 1, 1) + torch.tensor(MEAN).reshape(
        3, 1, 1
    )
    taken = (255 * unscaled).round().to(torch.uint8).numpy()
    counts = np.unique([crops[image.tobytes()][0] * 5 + crops[image.tobytes()][1] for image in taken], return_counts=1)
    assert len(counts[0]) == 25
    assert counts[1].max() < 3 * 600 / 25


def test_half_of_the_images_are_mirrored(normalise, images):
    plain, found = normalise(images), changed(normalise, images, flip=True)
    mirrored = [torch.equal(image, straight.flip(2)) for image, straight in zip(found, plain, strict=True)]
    kept = [torch.equal(image, straight) for image, straight in zip(found, plain, strict=True)]
    assert all(a != b for a, b in zip(mirrored, kept, strict=True))
    assert 16 < sum(mirrored) < 48


def test_a_square_is_black_and_the_rest_is_kept(normalise, images):
    plain, found = normalise(images), changed(normalise, images, cutout=4)
    black = normalise(torch.zeros(1, 3, 1, 1, dtype=torch.uint8))
    areas = []
    for image, straight in zip(found, plain, strict=True):
        same = (image == straight).all(0)
        cut = (image == black[0]).all(0)
        assert (same | cut).all()
        rows, columns = torch.nonzero(cut, as_tuple=True)
        if len(rows):
            assert cut[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].all()
        areas.append(int(cut.sum()))
    assert max(areas) == 16
    assert min(areas) < 16  # at an edge


def test_a_seed_repeats_and_a_state_goes_on(normalise, images):
    choices = {"padding": 2, "flip": True, "cutout": 3}
    one, other, third = (Augmentation(normalise, seed=seed, **choices) for seed in (1, 1, 2))
    first = one(images)
    torch.testing.assert_close(first, other(images), rtol=0, atol=0)
    assert not torch.equal(first, third(images))
    third.load_state_dict(one.state_dict())
    torch.testing.assert_close(third(images), one(images), rtol=0, atol=0)


@pytest.mark.parametrize("name", ["padding", "cutout"])
def test_a_negative_size_is_refused(name, normalise):
    with pytest.raises(ValueError, match=rf"`{name}` is -1: it takes a whole number >= 0"):
        Augmentation(normalise, **({"padding": 0, "flip": False, "cutout": 0, "seed": 0} | {name: -1}))
