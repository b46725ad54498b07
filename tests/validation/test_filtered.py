"""The filtered step is what a filtered run does, and its limits are sharp."""

import numpy as np
import pytest

from solver import RAW, backends
from solver.amplification import roots
from solver.records import Fields, Levels, Mesh
from validation.filtered import filtered_growth, filtered_step
from validation.stability_map import MeshPoint, largest_growth, runs_from_noise, sample_angles

ANGLES = sample_angles()
FILTERS = [RAW(), RAW(0.05, 0.6), RAW(1.0, 1.0), RAW(0.3, 0.8)]


@pytest.mark.parametrize("raw", FILTERS, ids=str)
def test_the_matrix_takes_the_levels_of_a_wave_to_those_that_the_kernels_make(raw):
    point, shape, (m, n) = MeshPoint(0.3, -0.2, 0.1, 0.05), (8, 6), (1, 2)
    a, b = 2 * np.pi * m / shape[0], 2 * np.pi * n / shape[1]
    wave = np.exp(1j * np.add.outer(a * np.arange(shape[0]), b * np.arange(shape[1])))
    x, y = 1.3 - 0.2j, 0.4 + 0.7j
    now, old = (np.stack([(z * wave).real, (z * wave).imag]) for z in (x, y))
    fields = Fields(*(np.full((1, 1), number) for number in point), np.zeros((1, 1)))
    levels = backends.get("numpy").forward(Levels(now, old), fields, Mesh(dt=1.0, raw=raw.after(0)), 1)
    got = [np.vdot(wave, level[0] + 1j * level[1]) / wave.size for level in levels]
    np.testing.assert_allclose(got, filtered_step(*roots(*point, a, b), raw) @ [x, y], rtol=1e-13)


def test_a_vanishing_filter_leaves_the_growth_of_the_scheme():
    point = MeshPoint(0.7, 0.5, 0.1, 0.1)
    assert filtered_growth(point, RAW(1e-12), ANGLES) == pytest.approx(float(largest_growth(point, ANGLES)), rel=1e-10)


@pytest.mark.parametrize("raw", FILTERS, ids=str)
def test_both_limits_are_sharp(raw):
    A, B = raw.courant_limit / 2, raw.diffusion_limit / 2
    for case in (lambda f: MeshPoint(f * A, f * A, 0.0, 0.0), lambda f: MeshPoint(0.0, 0.0, f * B, f * B)):
        assert filtered_growth(case(0.999), raw, ANGLES) < 1 + 1e-9
        assert filtered_growth(case(1.02), raw, ANGLES) > 1 + 1e-6


def test_the_usual_filter_allows_less_than_half_of_the_leapfrog_limit_and_asselins_only_eulers():
    assert RAW().courant_limit == pytest.approx(0.4371, abs=1e-4)
    assert RAW(alpha=1.0).diffusion_limit == 0.5
    assert RAW(alpha=0.5).diffusion_limit == np.inf


def test_filtered_noise_grows_at_a_step_that_is_stable_without_filter():
    point = MeshPoint(0.45, 0.45, 0.0, 0.0)
    (plain,), (filtered,) = (runs_from_noise([point], shape=(12, 12), steps=2000, raw=raw) for raw in (None, RAW()))
    assert plain.measured == pytest.approx(1, abs=1e-4)
    assert filtered.measured == pytest.approx(filtered_growth(point, RAW(), ANGLES), rel=0.02)
    assert filtered.measured > 1.01
