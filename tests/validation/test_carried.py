"""Solid rotation and swirl: the flow has no divergence, the hills go where the flow takes them."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from solver import solve
from validation.norms import areas
from validation.problems import RotatingCone, RotatingGaussian, Swirl
from validation.problems.swirl import path_ends, steady_swirl


def centroid(H, grid):
    weights, (X, Y) = areas(grid) * H, grid.mesh()
    return (weights * X).sum() / weights.sum(), (weights * Y).sum() / weights.sum()


@pytest.mark.parametrize("hill", [RotatingCone(rows=97, columns=81), RotatingGaussian(rows=97, columns=81)])
@pytest.mark.parametrize(
    ("t", "place"), [(0.0, (0.5, 0.75)), (0.25, (0.25, 0.5)), (0.5, (0.5, 0.25)), (1.0, (0.5, 0.75))]
)
def test_a_rotating_hill_turns_from_x_towards_y_and_comes_back(hill, t, place):
    assert hill.centre_at(t) == pytest.approx(place)
    assert centroid(hill.exact(t), hill.grid) == pytest.approx(place, abs=1e-3)


@pytest.mark.parametrize("hill", [RotatingCone(rows=65, columns=49), RotatingGaussian(rows=65, columns=49, width=0.06)])
def test_the_solver_carries_a_hill_where_the_exact_solution_is(hill):
    """A velocity of the wrong sign, or with its components exchanged, would take it elsewhere."""
    computed = solve(hill.problem, hill.exact(0.0), 0.25, dt=0.25 / 128).final
    assert centroid(computed, hill.grid) == pytest.approx(hill.centre_at(0.25), abs=0.02)


def test_the_rotating_hills_are_nothing_on_the_walls():
    for hill in (RotatingCone(), RotatingGaussian(), RotatingGaussian(diffusivity=2e-4)):
        for t in np.linspace(0, 1, 9):
            H = hill.exact(t)
            assert max(edge.max() for edge in (H[0], H[-1], H[:, 0], H[:, -1])) < 1e-4


def test_a_spreading_gaussian_keeps_its_mass():
    hill = RotatingGaussian(rows=129, columns=129, diffusivity=2e-4)
    masses = [(areas(hill.grid) * hill.exact(t)).sum() for t in (0.0, 0.4, 1.0)]
    np.testing.assert_allclose(masses, 2 * np.pi * hill.width**2, rtol=1e-5)


def test_the_swirl_has_no_divergence_and_does_not_cross_the_walls():
    x = np.linspace(0, 1, 41)
    X, Y = np.meshgrid(x, x, indexing="ij")
    h = 1e-5
    along_x = steady_swirl(X + h, Y)[0] - steady_swirl(X - h, Y)[0]
    along_y = steady_swirl(X, Y + h)[1] - steady_swirl(X, Y - h)[1]
    np.testing.assert_allclose((along_x + along_y) / (2 * h), 0.0, atol=1e-9)
    u, v = steady_swirl(X, Y)
    np.testing.assert_allclose([u[0], u[-1], v[:, 0], v[:, -1]], 0.0, atol=1e-15)
    assert np.abs(u).max() > 0.9


def test_paths_of_the_swirl_are_those_of_an_independent_integrator():
    X, Y = np.random.default_rng(1).uniform(0.05, 0.95, (2, 20))
    found = solve_ivp(
        lambda t, z: np.concatenate(steady_swirl(z[:20], z[20:])), (0, -0.7), [*X, *Y], rtol=1e-12, atol=1e-13
    )
    np.testing.assert_allclose(np.concatenate(path_ends(X, Y, -0.7)), found.y[:, -1], atol=1e-8)


def test_the_swirl_satisfies_the_equation_along_its_paths():
    """What a particle carries does not change: exact at (x(t), y(t)) for the velocity that the solver is given."""
    swirl = Swirl(rows=48, columns=40)
    at = np.array([0.45, 0.8])

    def velocity(t, z):
        return np.cos(np.pi * t / swirl.period) * np.array(steady_swirl(*z))

    end = solve_ivp(velocity, (0, 0.6), at, rtol=1e-11, atol=1e-12).y[:, -1]
    X0, Y0 = path_ends(*(np.array([c]) for c in end), -swirl.period / np.pi * np.sin(np.pi * 0.6 / swirl.period))
    assert (X0[0], Y0[0]) == pytest.approx(tuple(at), abs=1e-7)
    u, v = swirl.problem.at(0.6).velocity
    np.testing.assert_allclose(
        (u, v), [np.cos(np.pi * 0.6 / swirl.period) * c for c in steady_swirl(*swirl.grid.mesh())]
    )


def test_the_swirl_deforms_the_hill_and_returns_it():
    swirl = Swirl(rows=64, columns=64)
    start, halfway, back = (swirl.exact(t) for t in (0.0, swirl.period / 2, swirl.period))
    np.testing.assert_allclose(back, start, atol=1e-12)
    assert np.abs(halfway - start).max() > 0.9
    weights = areas(swirl.grid)
    assert (weights * halfway).sum() == pytest.approx((weights * start).sum(), rel=2e-3)


@pytest.mark.parametrize("form", ["product", "flux", "skew"])
def test_leapfrog_returns_from_the_spiral_to_rounding_although_the_spiral_is_wrong(form):
    swirl = Swirl(rows=32, columns=32, advection=form)
    solution = solve(swirl.problem, swirl.exact(0.0), 1.5, dt=1.5 / 128, save_at=(0.75, 1.5))
    halfway, back = solution.fields
    assert np.abs(halfway - swirl.exact(0.75)).max() > 0.1
    np.testing.assert_allclose(back, swirl.exact(0.0), atol=1e-12)
