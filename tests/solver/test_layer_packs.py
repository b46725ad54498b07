"""A layer in evaluation over packs of planes makes the bits that it makes plane after plane."""

import numpy as np
import pytest

from solver.cpu import layer as module
from solver.cpu.layer import Layer, Parts
from solver.cpu.small import is_small_for_layer
from solver.cpu.threads import Team, own_team
from solver.cpu.transposing import LANES
from solver.records import Mesh

PARTS = [Parts(), Parts(velocity=False), Parts(diffusivity=0.7), Parts(False, 0.7), Parts(source=False)]
PLANES = [(1, 1), (1, 6), (5, 1), (2, 2), (3, 3), (4, 4), (3, 5), (5, 7), (8, 8), (9, 16)]


def layer_of(rng, channels, parts, dtype):
    n = len(parts.learned)
    drawn = (rng.normal(size=shape) for shape in ((channels, n, 9), (channels, n), channels))
    offsets = rng.uniform(1, 2, channels)  # so that the ReLU leaves something
    return Layer(*(a.astype(dtype) for a in (*drawn, offsets)))


def evaluated(monkeypatch, packed, image, *layer, team=None):
    """The output plane after plane (None), or over packs of images in planes (False), or with channels last (True)."""
    monkeypatch.setattr(module, "is_small_for_layer", lambda shape, steps, threads: packed is False)
    if packed:
        by_cell = np.ascontiguousarray(image.transpose(0, 2, 3, 1))
        out = np.full_like(by_cell, np.nan)
        module.evaluate_by_cell(out, by_cell, *layer, team)
        return out.transpose(0, 3, 1, 2)
    out = np.full_like(image, np.nan)
    module.evaluate(out, image, *layer, team)
    return out


def assert_same_bits(monkeypatch, image, *layer):
    want = evaluated(monkeypatch, None, image, *layer)
    assert np.isfinite(want).all()
    assert (want > 0).any()
    for by_cell in (False, True) if image.shape[1] % LANES == 0 else (False,):
        assert evaluated(monkeypatch, by_cell, image, *layer).tobytes() == want.tobytes()


@pytest.mark.parametrize("side", ["periodic", "no-flux"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_plane_and_number_of_channels(monkeypatch, rng, dtype, side):
    mesh = Mesh(0.1, dy=0.8, boundary=(side,) * 4)
    for plane in PLANES:
        for images, channels in ((1, 1), (3, 1), (5, 3), (1, LANES), (2, LANES), (2, LANES + 1), (3, 2 * LANES)):
            image = rng.normal(size=(images, channels, *plane)).astype(dtype)
            assert_same_bits(monkeypatch, image, layer_of(rng, channels, Parts(), dtype), Parts(), mesh, 1)


@pytest.mark.parametrize("forms", [("product", "laplacian"), ("flux", "flux")])
@pytest.mark.parametrize("parts", PARTS)
def test_every_part_and_number_of_steps(monkeypatch, rng, parts, forms):
    image, layer = rng.normal(size=(2, 2 * LANES, 5, 6)), layer_of(rng, 2 * LANES, parts, np.float64)
    for sides in (("periodic",) * 4, ("no-flux",) * 4, ("no-flux", "no-flux", "periodic", "periodic")):
        for steps in (0, 1, 2, 3, 4, 7):
            assert_same_bits(monkeypatch, image, layer, parts, Mesh(0.05, 1.0, 1.0, sides, *forms), steps)


def test_threads_share_the_packs(monkeypatch, rng):
    image, layer = rng.normal(size=(21, LANES, 13, 14)), layer_of(rng, LANES, Parts(), np.float64)
    for by_cell in (False, True):
        one, several = (
            evaluated(monkeypatch, by_cell, image, layer, Parts(), Mesh(0.1), 2, team=team)
            for team in (Team(1), own_team()._replace(size=3))
        )
        assert one.tobytes() == several.tobytes()


def test_special_numbers(monkeypatch, rng):
    image = rng.normal(size=(1, LANES, 4, 4))
    image[0, ::5, 1, 1], image[0, 1::5, 2, 2], image[0, 2::5, 0, 3] = np.nan, np.inf, -0.0
    layer = layer_of(rng, LANES, Parts(), np.float64)
    want = evaluated(monkeypatch, None, image, layer, Parts(), Mesh(0.1), 2)
    assert np.isnan(want).any()
    for by_cell in (False, True):
        found = evaluated(monkeypatch, by_cell, image, layer, Parts(), Mesh(0.1), 2)
        np.testing.assert_array_equal(found, want)  # a NaN may have another sign


@pytest.mark.parametrize("shape", [(0, LANES, 4, 5), (2, LANES, 0, 5), (2, LANES, 5, 0)])
def test_nothing_at_all(monkeypatch, rng, shape):
    layer = layer_of(rng, LANES, Parts(), np.float64)
    for packed in (None, False, True):
        found = evaluated(monkeypatch, packed, np.empty(shape), layer, Parts(), Mesh(0.1), 1)
        assert found.shape == shape


def test_what_does_not_lie_as_it_must_is_refused(rng):
    layer, image = layer_of(rng, LANES, Parts(), np.float64), rng.normal(size=(2, LANES, 4, 8))
    with pytest.raises(ValueError, match=r"`out` is not contiguous"):
        module.evaluate(np.empty((2, LANES, 4, 16))[..., ::2], image, layer, Parts(), Mesh(0.1), 1)
    with pytest.raises(ValueError, match=r"`image` is not contiguous"):
        module.evaluate_by_cell(np.empty((2, 4, 8, LANES)), image.transpose(0, 2, 3, 1), layer, Parts(), Mesh(0.1), 1)
    with pytest.raises(ValueError, match=r"`image` has 8 channels last: it takes a multiple of 16"):
        module.evaluate_by_cell(np.empty((2, LANES, 4, 8)), image, layer, Parts(), Mesh(0.1), 1)


@pytest.mark.parametrize(
    ("shape", "steps", "itemsize", "team", "goes"),
    [
        ((2, 16, 20, 20), 1, 4, 2, True),
        ((2, 24, 20, 20), 1, 4, 2, False),  # one and a half packs
        ((1, 16, 64, 64), 1, 4, 2, False),  # one pack for two threads, which share out its planes
        ((1, 16, 20, 20), 1, 4, 2, True),  # too little work for two
        ((2, 16, 64, 64), 5, 4, 2, True),
        ((2, 16, 64, 64), 5, 8, 2, False),  # beyond a second-level cache
    ],
)
def test_where_channels_stay_last(shape, steps, itemsize, team, goes):
    assert module.goes_by_cell(shape, Parts(), steps, itemsize, Team(team)) == goes


@pytest.mark.parametrize(
    ("shape", "steps", "threads", "small"),
    [
        ((2, 4, 12, 12), 1, 1, True),
        ((2, 4, 12, 13), 1, 1, False),
        ((2, 4, 16, 16), 2, 1, True),
        ((2, 4, 16, 17), 2, 1, False),
        ((2, 4, 12, 13), 0, 1, False),
        ((1, 7, 8, 8), 1, 1, False),  # less than half a pack
        ((3, 16, 8, 8), 1, 3, True),
        ((3, 16, 8, 8), 1, 4, False),  # a thread would have none
    ],
)
def test_which_planes_are_small(shape, steps, threads, small, monkeypatch):
    monkeypatch.setattr("solver.cpu.small.OF_LAYER", 144)
    monkeypatch.setattr("solver.cpu.small.OF_LAYER_MORE", 256)
    assert is_small_for_layer(shape, steps, threads) == small
