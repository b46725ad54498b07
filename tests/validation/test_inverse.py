"""The parts of the inverse problem are each other's adjoints, and a fit without information finds nothing."""

from dataclasses import replace

import numpy as np
import pytest

from solver import DiffusionAdvection, solve
from solver.neighbours import east, north, south, west
from validation.inverse import Coefficients, Misfit, Prior, minimise, velocity, velocity_transposed
from validation.plumes import GUESS, Experiment, box, lattice, plumes, recover, true_coefficients
from validation.sensitivity import central_difference
from validation.studies import inverse as study
from validation.studies.inverse import GRADIENT_TOLERANCE, gradient_differences

SMALL = Experiment(12, lattice(2), dt=0.05, steps=(4, 8))


@pytest.fixture(scope="module")
def misfit():
    return Misfit(Prior(SMALL.grid, GUESS), SMALL.observe())


def test_the_velocity_is_free_of_divergence_in_the_sense_of_the_solver(rng):
    grid = box(9)
    u, v = velocity(rng.normal(size=grid.shape), grid)
    kinds, (dx, dy) = grid.sides.kinds, grid.spacing
    divergence = (south(u, kinds, -1) - north(u, kinds, -1)) / (2 * dx)
    divergence = divergence + (east(v, kinds, -1) - west(v, kinds, -1)) / (2 * dy)
    np.testing.assert_allclose(divergence, 0, atol=1e-11)


def test_the_velocity_is_that_of_the_stream_function():
    grid = box(200)
    x, y = grid.mesh()
    u, v = velocity(np.sin(np.pi * x) * np.sin(2 * np.pi * y), grid)
    np.testing.assert_allclose(u, 2 * np.pi * np.sin(np.pi * x) * np.cos(2 * np.pi * y), atol=2e-3)
    np.testing.assert_allclose(v, -np.pi * np.cos(np.pi * x) * np.sin(2 * np.pi * y), atol=2e-3)


def test_the_transposed_velocity_is_the_adjoint(rng):
    grid = box(8)
    psi, of_u, of_v = rng.normal(size=(3, *grid.shape))
    u, v = velocity(psi, grid)
    assert (u * of_u + v * of_v).sum() == pytest.approx((psi * velocity_transposed(of_u, of_v, grid)).sum())


def test_the_gradient_is_pulled_back_through_the_prior(rng):
    prior = Prior(box(6))
    w, direction = rng.normal(size=(2, 72))
    of = Coefficients(*rng.normal(size=(2, 6, 6)))

    def value(e):
        c = prior.coefficients(w + e * direction)
        return float((of.D * c.D).sum() + (of.psi * c.psi).sum())

    gradient = prior.pull_back(prior.coefficients(w), of)
    assert gradient @ direction == pytest.approx(central_difference(value, 1e-3), rel=1e-9)


def test_the_prior_has_the_deviations_and_the_length_that_it_says(rng):
    prior = Prior(box(48))
    drawn = [prior.coefficients(w) for w in rng.normal(size=(200, 2 * 48 * 48))]
    logs, psis = np.log([c.D / prior.guess for c in drawn]), np.array([c.psi for c in drawn])
    assert logs.std() == pytest.approx(prior.log_deviation, rel=0.1)
    assert psis.std() == pytest.approx(prior.psi_deviation, rel=0.1)
    apart = round(prior.length * 48)
    correlation = np.mean(logs[:, 20, 20] * logs[:, 20, 20 + apart]) / np.mean(logs[:, 20, 20] ** 2)
    assert correlation == pytest.approx(np.exp(-1 / 2), abs=0.15)


def test_control_variables_of_zero_are_the_guess_and_no_flow():
    c = Prior(box(5), guess=0.3).coefficients(np.zeros(50))
    np.testing.assert_array_equal(c.D, 0.3)
    np.testing.assert_array_equal(c.psi, 0)


def test_the_gradient_of_the_misfit_agrees_with_differences(misfit):
    assert max(gradient_differences(misfit).values()) < GRADIENT_TOLERANCE


@pytest.mark.parametrize("name", ["u", "v", "Dx", "Dy"])
def test_a_gradient_off_by_a_thousandth_is_noticed(name, misfit, monkeypatch):
    from validation import inverse

    right = inverse.pull_back

    def wrong(*arguments):
        found = right(*arguments)
        return found._replace(**{name: 1.001 * getattr(found, name)})

    monkeypatch.setattr(inverse, "pull_back", wrong)
    assert max(gradient_differences(misfit).values()) > GRADIENT_TOLERANCE


def test_the_run_of_the_fit_is_second_order_in_time():
    truth = true_coefficients(SMALL.grid)
    initial = plumes(SMALL.grid, SMALL.places)
    problem = DiffusionAdvection(SMALL.grid, velocity(truth.psi, SMALL.grid), (truth.D, truth.D))
    exact = solve(problem, initial, 0.4, dt=0.4 / 1024).final
    errors = []
    for steps in (8, 16, 32):
        blank = np.zeros((1, *initial.shape))
        observations = replace(SMALL.observe(), initial=initial, dt=0.4 / steps, steps=(steps,), H=blank)
        fit = Misfit(Prior(SMALL.grid, GUESS), observations).run(truth).seen[-1]
        errors.append(np.abs(fit - exact).max())
    np.testing.assert_allclose(np.log2(np.array(errors[:-1]) / errors[1:]), 2, atol=0.2)


def test_the_pictures_are_as_noisy_as_they_say():
    quiet = replace(SMALL, noise=1e-9).observe()
    loud = replace(SMALL, noise=0.02).observe()
    assert (loud.H - quiet.H).std() == pytest.approx(0.02, rel=0.1)


def test_pictures_without_information_leave_the_guess_as_it_is(misfit):
    blind = replace(misfit, observations=replace(misfit.observations, sigma=1e6))
    c = misfit.prior.coefficients(minimise(blind, iterations=20))
    np.testing.assert_allclose(c.D, GUESS, rtol=1e-3)
    np.testing.assert_allclose(c.psi, 0, atol=1e-4)


def test_a_fit_by_a_wrong_gradient_does_not_reach_the_noise(monkeypatch):
    right = Misfit.pull_back
    monkeypatch.setattr(Misfit, "pull_back", lambda *arguments: -right(*arguments))
    found = recover(SMALL, iterations=20)
    assert found.history[-1, 0] > 5


def test_every_iteration_is_told_and_in_the_history():
    told = []
    found = recover(SMALL, iterations=5, tick=lambda: told.append(None))
    assert len(told) == len(found.history) == 6
    assert (np.diff(found.history[:, 0]) < 0).all()


def test_the_study_reports_progress_of_both_fits_up_to_the_end():
    from validation.study import Work

    told = []
    work = Work(progress=told.append)
    for share in (0.85, 1.0):
        tick = study.ticks(work, iterations=4, share=share)
        for _ in range(5):
            tick()
    assert told == sorted(told)
    assert 0.8 < max(told) < 1
