"""A filtered run has limits of its own, and the verdict knows them."""

import numpy as np
import pytest

import solver
from solver import RAW, DiffusionAdvection, Grid, StabilityError, StabilityWarning, solve, stability

SHAPE = (12, 10)
ANGLES = np.linspace(-np.pi, np.pi, 97)
FILTERS = [RAW(), RAW(0.01), RAW(0.2, 0.6), RAW(0.2, 1.0), RAW(1.0, 0.53)]


def largest_eigenvalue(A_x, B_x, B_y, raw):
    """Of the filtered step of the waves along x, written out from the definition of the filter."""
    z = 2 * B_x * np.cos(ANGLES) + 2 * B_y - 1j * A_x * np.sin(ANGLES)
    L, M = 1 + 2 * B_x + 2 * B_y, 1 - 2 * B_x - 2 * B_y
    found = []
    for p, q in zip(2 * z / L, np.full(ANGLES.size, M / L), strict=True):
        d = raw.nu / 2 * np.array([p - 2, q + 1])
        found += list(np.linalg.eigvals([np.array([p, q]) - (1 - raw.alpha) * d, np.array([1, 0]) + raw.alpha * d]))
    return np.abs(found).max()


@pytest.mark.parametrize("raw", FILTERS, ids=str)
def test_waves_without_diffusion_grow_just_beyond_the_courant_limit(raw):
    assert largest_eigenvalue(0.98 * raw.courant_limit, 0, 0, raw) < 1 + 1e-9
    assert largest_eigenvalue(1.02 * raw.courant_limit, 0, 0, raw) > 1 + 1e-6


@pytest.mark.parametrize("raw", FILTERS, ids=str)
def test_waves_without_advection_grow_just_beyond_the_diffusion_limit(raw):
    limit = raw.diffusion_limit
    assert largest_eigenvalue(0, 0.98 * limit, 0, raw) < 1 + 1e-9
    assert largest_eigenvalue(0, 1.02 * limit, 0, raw) > 1 + 1e-6


def test_half_an_alpha_has_no_courant_limit_and_no_diffusion_limit():
    assert RAW(alpha=0.5).courant_limit == 0
    assert RAW(alpha=0.5).diffusion_limit == np.inf


@pytest.mark.parametrize("D", [(0.0, 0.0), (0.3, 0.1)], ids=["advection", "both"])
@pytest.mark.parametrize("raw", [RAW(), RAW(0.2, 1.0)], ids=str)
def test_the_largest_stable_dt_of_a_filtered_run_passes_and_the_next_does_not(raw, D):
    problem = DiffusionAdvection(Grid(SHAPE, (0.5, 0.8)), (0.7, -0.4), D)
    dt = stability.largest_stable_dt(problem, raw)
    assert dt < stability.largest_stable_dt(problem)
    assert stability.judge(problem, dt, raw).stable
    assert not stability.judge(problem, 1.001 * dt, raw).stable


def test_a_filtered_run_from_noise_stays_bounded_at_the_chosen_dt_and_not_at_the_unfiltered_limit():
    problem = DiffusionAdvection(Grid(SHAPE), (0.5, 0.4), (0.0, 0.0))
    noise = np.random.default_rng(0).standard_normal(SHAPE)
    dt = 0.98 * stability.largest_stable_dt(problem, RAW())
    assert np.abs(solve(problem, noise, 2000 * dt, dt=dt, filter=RAW()).final).max() < 20
    wide = 0.9 * stability.largest_stable_dt(problem)
    with pytest.warns(StabilityWarning, match=r"relative to what RAW\(nu=0\.2, alpha=0\.53\) allows"):
        assert np.abs(solve(problem, noise, 2000 * wide, dt=wide, filter=RAW()).final).max() > 1e3


def test_the_dt_that_the_warning_names_passes():
    problem = DiffusionAdvection(Grid(SHAPE), (0.5, 0.4), (0.0, 0.0))
    with pytest.warns(StabilityWarning, match="is unstable") as caught:
        solve(problem, np.ones(SHAPE), 1.0, dt=1.0, filter=RAW())
    named = float(str(caught[0].message).split("dt <= ")[1].split()[0])
    steps = int(np.ceil(1 / named))
    solver.solve(problem, np.ones(SHAPE), 1.0, dt=1 / steps, filter=RAW(), strict=True)


def test_half_an_alpha_is_refused_a_dt_with_a_remedy():
    problem = DiffusionAdvection(Grid(SHAPE), (0.5, 0.4), (0.1, 0.1))
    with pytest.raises(StabilityError, match=r"Take alpha = 0\.53"):
        solve(problem, np.ones(SHAPE), 1.0, filter=RAW(alpha=0.5))
