"""The matrix of the method of lines is right by itself, and the comparison with the scheme can fail."""

from dataclasses import replace

import numpy as np
import pytest

from solver import DiffusionAdvection, Grid, StabilityWarning, solve
from solver.starting import tendency
from validation import lines as module
from validation.lines import Swinging, converge_to, integrate, integrate_implicitly, lines
from validation.variants import BOUNDARIES, COVERING, VARIANTS, Variant, rough_problem, smooth_problem

each_variant = pytest.mark.parametrize("variant", VARIANTS, ids=str)


def mirrored(field, sign, axis):
    return np.concatenate([field, sign * np.flip(field, axis)], axis)


@each_variant
def test_the_matrix_says_what_the_tendency_of_the_solver_says(variant):
    problem, H = rough_problem(variant, seed=5)
    rate = lines(problem).rate(0.0, H.ravel()).reshape(H.shape)
    np.testing.assert_allclose(rate, tendency(problem, H), rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", ["advection", "diffusion"])
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_the_tendency_of_another_form_is_noticed(name, boundary):
    problem, H = rough_problem(Variant("skew", "laplacian", boundary))
    other = replace(problem, **{name: "flux"})
    difference = lines(other).rate(0.0, H.ravel()).reshape(H.shape) - tendency(problem, H)
    assert np.abs(difference).max() > 0.1


def test_constant_coefficients_have_the_eigenvalues_of_central_differences():
    grid, (u, v), (Dx, Dy) = Grid((6, 5), (0.5, 0.8)), (0.7, -0.4), (0.3, 0.2)
    matrix = lines(DiffusionAdvection(grid, (u, v), (Dx, Dy))).A.toarray()
    (dx, dy) = grid.spacing
    a, b = np.meshgrid(2 * np.pi * np.arange(6) / 6, 2 * np.pi * np.arange(5) / 5, indexing="ij")
    expected = -1j * (u * np.sin(a) / dx + v * np.sin(b) / dy)
    expected = expected - 2 * Dx * (1 - np.cos(a)) / dx**2 - 2 * Dy * (1 - np.cos(b)) / dy**2
    found = np.linalg.eigvals(matrix)
    assert max(np.abs(found - value).min() for value in expected.ravel()) < 1e-12


@pytest.mark.parametrize("boundary", ["periodic", "no-flux"])
@pytest.mark.parametrize("advection", ["product", "skew", "flux"])
def test_what_leaves_a_cell_arrives_in_another_with_the_flux_form_of_the_diffusion(advection, boundary):
    problem, _ = rough_problem(Variant(advection, "flux", boundary))
    np.testing.assert_allclose(lines(problem).A.sum(axis=0), 0, atol=1e-13)


@pytest.mark.parametrize("form", COVERING, ids=str)
def test_no_flux_walls_are_those_of_the_mirrored_periodic_plane(form):
    problem, H = rough_problem(form._replace(boundary="no-flux"))
    fields = dict(zip(("u", "v", "Dx", "Dy", "f"), problem.fields(), strict=True)) | {"H": H}
    signs = {"u": (-1, 1), "v": (1, -1)}
    doubled = {
        name: mirrored(mirrored(field, signs.get(name, (1, 1))[0], 0), signs.get(name, (1, 1))[1], 1)
        for name, field in fields.items()
    }
    rows, columns = problem.grid.shape
    periodic = replace(
        problem,
        grid=Grid((2 * rows, 2 * columns), problem.grid.spacing),
        velocity=(doubled["u"], doubled["v"]),
        diffusivity=(doubled["Dx"], doubled["Dy"]),
        source=doubled["f"],
    )
    on_whole = lines(periodic).rate(0.0, doubled["H"].ravel()).reshape(2 * rows, 2 * columns)
    on_part = lines(problem).rate(0.0, H.ravel()).reshape(rows, columns)
    np.testing.assert_allclose(on_whole[:rows, :columns], on_part, atol=1e-13)


def test_nothing_changes_on_a_wall_that_holds_H():
    problem, H = rough_problem(Variant("skew", "flux", "mixed"))
    rate = lines(problem).rate(0.0, H.ravel()).reshape(H.shape)
    assert not rate[0].any()
    assert not rate[:, -1].any()
    assert rate[1:, :-1].all()


def test_both_integrators_find_the_exponential_of_the_matrix():
    from scipy.linalg import expm

    problem, initial = smooth_problem(Variant("product", "laplacian", "periodic"))
    system = lines(replace(problem, source=0.0))
    exact = (expm(0.3 * system.A.toarray()) @ initial.ravel()).reshape(initial.shape)
    np.testing.assert_allclose(integrate(system.rate, initial, 0.3), exact, atol=1e-10)
    np.testing.assert_allclose(integrate_implicitly(system, initial, 0.3), exact, atol=1e-10)


def test_an_integration_that_cannot_go_on_is_said():
    with pytest.raises(RuntimeError, match=r"`rate` could not be integrated to 2: .*step size"):
        integrate(lambda t, H: H**2, np.ones((1, 1)), 2.0, rtol=1e-6)


@pytest.mark.parametrize("variant", [VARIANTS[3], VARIANTS[-1]], ids=str)
def test_the_matrix_of_a_swinging_problem_is_that_of_the_moment(variant):
    steady, H = smooth_problem(variant)
    swinging = Swinging(steady, turn=3.0)
    rate = swinging.rate()(0.4, H.ravel()).reshape(H.shape)
    np.testing.assert_allclose(rate, tendency(swinging.problem, H, 0.4), rtol=0, atol=1e-12)


def order(variant, expected_of):
    problem, initial = smooth_problem(variant)
    expected = integrate(lines(expected_of(problem)).rate, initial, 0.2)
    return converge_to(expected, problem, initial, 0.2, (20, 40, 80)).order


def test_the_order_in_time_is_two():
    assert order(COVERING[3], lambda problem: problem) == pytest.approx(2, abs=0.1)


def test_lines_of_a_slightly_different_problem_show_as_an_order_below_two():
    def wrong(problem):
        u, v = problem.velocity
        return replace(problem, velocity=(1.01 * u, v))

    assert order(COVERING[3], wrong) < 1.5


def test_a_start_of_order_one_is_noticed(monkeypatch):
    def by_copy(*arguments, **options):
        return solve(*arguments, **options, start="copy")

    monkeypatch.setattr(module, "solve", by_copy)
    assert order(COVERING[0], lambda problem: problem) == pytest.approx(1, abs=0.3)


@each_variant
def test_the_problems_are_stable_at_the_largest_time_step_of_the_study(variant, recwarn):
    problem, initial = smooth_problem(variant)
    solve(problem, initial, 0.4, dt=0.02)
    assert not [w for w in recwarn if issubclass(w.category, StabilityWarning)]
