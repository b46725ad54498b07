"""The two roots of a mode are told apart, with and without filter; the long run has a steady state of its own."""

import numpy as np
import pytest

from solver import RAW, solve
from validation.modes import computational_part, excitation, filter_errors, filtered_roots, grid_roots
from validation.problems import FourierMode, LongRun

DT = 0.01


@pytest.fixture
def mode():
    return FourierMode(rows=12, columns=10)


def test_a_sequence_of_each_root_is_split_into_its_two_parts(mode):
    g1, g2 = grid_roots(mode, DT)
    rng = np.random.default_rng(0)
    p, c = (np.fft.fft2(rng.standard_normal(mode.grid.shape)) for _ in range(2))
    # A real field needs roots that are conjugate at opposite waves, which constant real coefficients give.
    now, old = (np.fft.ifft2(p * g1**k + c * g2**k).real for k in (1, 0))
    np.testing.assert_allclose(computational_part(now, old, np.stack([g1, g2])), np.fft.ifft2(c * g2).real, atol=1e-13)


def test_the_roots_of_the_grid_step_a_mode(mode):
    at = mode.waves
    g1, g2 = grid_roots(mode, DT)[(slice(None), *at)]
    solution = solve(mode.problem, mode.exact(0.0), 3 * DT, dt=DT, start="copy", save_at=np.arange(4) * DT)
    h = [np.fft.fft2(H)[at] for H in solution.fields]
    assert h[3] == pytest.approx((g1 + g2) * h[2] - g1 * g2 * h[1], rel=1e-12)


@pytest.mark.parametrize("raw", [RAW(), RAW(0.5, 0.7), RAW(0.2, 1.0)])
def test_the_filtered_roots_step_a_filtered_mode(mode, raw):
    """Three successive levels of a filtered run obey the recursion of its two roots."""
    at = mode.waves
    g1, g2 = filtered_roots(mode, DT, raw)
    # A saved H[k] has been moved once; the same holds for all of them, so they form one geometric pair.
    times = np.arange(8) * DT
    solution = solve(mode.problem, mode.exact(0.0), times[-1], dt=DT, start="copy", filter=raw, save_at=times)
    h = [np.fft.fft2(H)[at] for H in solution.fields]
    assert h[7] == pytest.approx((g1 + g2) * h[6] - g1 * g2 * h[5], rel=1e-12)
    assert abs(g1 - grid_roots(mode, DT)[(0, *at)]) < abs(g2 - grid_roots(mode, DT)[(0, *at)])


def test_a_smooth_wave_started_on_the_physical_root_has_no_computational_part(mode):
    g = grid_roots(mode, DT)
    g1 = g[(0, *mode.waves)]
    old, now = mode.mode(1.0), mode.mode(g1)
    assert np.abs(computational_part(now, old, g)).max() < 1e-14


def test_a_filter_leaves_less_of_what_alternates():
    mode = FourierMode(rows=12, columns=10, diffusivity=(0.0, 0.0))
    plain, filtered = (excitation(mode, mode.exact(0.0), DT, (1, 30), "copy", raw) for raw in (None, RAW()))
    assert plain.size[1] == pytest.approx(plain.size[0], rel=1e-9)
    assert filtered.size[1] < 0.01 * plain.size[1]


def test_what_the_filter_costs_is_not_what_no_filter_costs(mode):
    weak, strong = (filter_errors(mode, 0.1, (20,), RAW(nu))[0] for nu in (0.01, 0.2))
    assert 0 < weak < strong


def test_the_long_run_solves_its_equation_and_settles(mode):
    problem = LongRun(rows=12, columns=10)
    (u, v), (Dx, Dy), (kx, ky) = problem.velocity, problem.diffusivity, problem.wavenumbers
    t, h = 0.3, 1e-5
    H_t = (problem.exact(t + h) - problem.exact(t - h)) / (2 * h)
    amplitude = 1 + problem.excess * np.exp(problem.rate * t)
    advection = problem.mode(1j * (u * kx + v * ky) * amplitude)
    diffusion = problem.mode(-(Dx * kx**2 + Dy * ky**2) * amplitude)
    np.testing.assert_allclose(H_t + advection, diffusion + problem.problem.source, atol=1e-8)
    np.testing.assert_allclose(problem.semi_discrete(1e3), problem.settled, atol=1e-12)
    assert np.abs(problem.semi_discrete(0.0) - problem.exact(0.0)).max() < 1e-14
