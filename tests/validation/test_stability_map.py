"""The brute force behind the stability map is right by itself, and the map sees a wrong criterion."""

from dataclasses import replace

import numpy as np
import pytest

from solver.records import Fields, Levels, Mesh
from solver.reference import forward
from validation.stability_map import (
    MeshPoint,
    brute_force_limit,
    grid_angles,
    largest_growth,
    runs_from_noise,
    sample_angles,
    stability_map,
)


def companion_radius(point, a, b):
    """Spectral radius of one step of the NumPy reference on a mode: the 2 x 2 matrix of its two levels."""
    m, n = np.meshgrid(np.arange(8), np.arange(6), indexing="ij")
    wave = np.exp(2j * np.pi * (a * m / 8 + b * n / 6))
    fields = Fields(*(np.full((8, 6), number) for number in point), np.zeros((8, 6)))

    def step(now, old):
        parts = [forward(Levels(f(now), f(old)), fields, Mesh(dt=1.0), 1).now for f in (np.real, np.imag)]
        return ((parts[0] + 1j * parts[1]) / wave)[0, 0]

    matrix = [[step(wave, 0 * wave), step(0 * wave, wave)], [1, 0]]
    return max(abs(np.linalg.eigvals(np.array(matrix))))


@pytest.mark.parametrize(("a", "b"), [(0, 0), (1, 0), (0, 2), (3, 1), (4, 3), (5, 2)])
def test_the_root_modulus_is_that_of_one_step_of_the_scheme(a, b):
    point = MeshPoint(0.7, -0.4, 0.1, 0.03)
    angle = np.array([[2 * np.pi * a / 8, 2 * np.pi * b / 6]])
    assert float(largest_growth(point, angle)) == pytest.approx(companion_radius(point, a, b), rel=1e-12)


def test_the_published_counterexamples_grow_although_the_sum_is_at_most_one():
    angles = grid_angles((64, 64))
    assert largest_growth(MeshPoint(0.8, 0.0, 0.01, 0.01), angles) > 1.001
    assert largest_growth(MeshPoint(0.3, 0.6, 0.2, 0.0), angles) == pytest.approx(1.11, abs=0.005)


def test_the_limit_without_diffusion_is_the_sum_and_with_equal_diffusion_a_circle():
    directions = np.linspace(0, np.pi / 2, 7)
    diamond = 1 / (np.cos(directions) + np.sin(directions))
    np.testing.assert_allclose(brute_force_limit((0, 0), directions, sample_angles()), diamond, atol=1e-5)
    np.testing.assert_allclose(brute_force_limit((0.3, 0.3), directions, sample_angles()), np.sqrt(0.5), atol=1e-3)


def test_the_map_counts_the_points_where_a_wrong_criterion_disagrees():
    right = stability_map((0.1, 0.1), points=13)
    assert right.disagreements == 0
    assert replace(right, closed=right.A[:, None] + right.A).disagreements > 0
    assert right.misjudged_by_sum > 0


def test_noise_grows_by_the_largest_root_of_the_modes_of_the_grid():
    (run,) = runs_from_noise([MeshPoint(0.7, 0.5, 0.1, 0.1)], shape=(12, 10), steps=2000)
    assert run.predicted > 1.05
    assert run.measured == pytest.approx(run.predicted, rel=1e-9)
    assert run.log_size[0] == 0.0
