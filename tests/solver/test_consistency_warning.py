"""The ConsistencyWarning: when, with which numbers, and a dt that really avoids it."""

import math
import re
import warnings

import numpy as np
import pytest

import solver
from solver import ConsistencyWarning, DiffusionAdvection, Grid, solve, stability


def problem(D=1.0, velocity=(0.0, 0.0), **forms):
    return DiffusionAdvection(Grid((4, 3), (0.5, 2.0)), velocity, (D, 0.4), **forms)


def test_it_says_the_numbers():
    tau = 0.04 * (1.0 / 0.25 + 0.4 / 4.0)
    sentence = rf"dt = 0\.2 is not consistent: tau = .* = {tau:.4g} is {100 * tau / 2:.3g} % of t_end = 2, .*telegraph"
    with pytest.warns(ConsistencyWarning, match=sentence) as caught:
        s = solve(problem(), np.ones((4, 3)), 2.0, dt=0.2)
    assert caught[0].filename == __file__
    assert s.tau == pytest.approx(tau)


@pytest.mark.parametrize("seed", range(12))
def test_the_dt_that_it_names_avoids_it(seed):
    """Copied from the message, and chosen so that it divides t_end: a run of that dt is silent."""
    D = float(10 ** np.random.default_rng(seed).uniform(-3, 3))
    dt = 1.0
    t_end = dt * math.ceil(20 * dt * (D / 0.25 + 0.1))
    with pytest.warns(ConsistencyWarning, match="would keep tau below 2 %") as caught:
        solve(problem(D), np.ones((4, 3)), t_end, dt=dt, start="copy", callback=lambda *_: True)
    named = float(re.search(r"dt <= (\S+) would keep", str(caught[0].message)).group(1))
    # tau of the named dt, from its definition, against this very t_end
    assert named**2 * (D / 0.25 + 0.1) <= 0.02 * t_end * (1 + 1e-12)
    assert (1.002 * named) ** 2 * (D / 0.25 + 0.1) > 0.02 * t_end
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        steps = math.ceil(t_end / named)
        solve(problem(D), np.ones((4, 3)), t_end, dt=t_end / steps, start="copy", callback=lambda *_: True)


@pytest.mark.parametrize(("factor", "warned"), [(0.9999, False), (1.0001, True)])
def test_two_per_cent_of_the_run_is_the_limit(factor, warned):
    """tau / t_end = (Dx/dx^2 + Dy/dy^2) dt / steps."""
    steps = 20
    dt = factor * 0.02 * steps / (1.0 / 0.25 + 0.4 / 4.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        solve(problem(), np.ones((4, 3)), steps * dt, dt=dt)
    assert [c.category for c in caught] == ([ConsistencyWarning] if warned else [])


def test_without_diffusion_there_is_no_tau():
    still = DiffusionAdvection(Grid((4, 3)), (0.5, 0.2), (0.0, 0.0))
    s = solve(still, np.ones((4, 3)), 1.0, dt=1.0)
    assert s.tau == 0.0


def test_the_chosen_dt_is_silent_even_for_a_short_run():
    for t_end in (1e-4, 0.01, 1.0, 50.0):
        for velocity in ((0.0, 0.0), (0.3, 0.2)):
            s = solve(problem(velocity=velocity), np.ones((4, 3)), t_end)
            assert s.tau <= stability.SMALL_TAU * t_end


def test_every_solution_knows_its_tau(H):
    s = solve(DiffusionAdvection(Grid((6, 5), (0.9, 1.2)), (0.1, 0.0), (0.2, 0.1)), H, 4.0, dt=0.2)
    assert s.tau == pytest.approx(0.04 * (0.2 / 0.81 + 0.1 / 1.44))
    assert f"tau = {s.tau:.4g}" in repr(s)


def test_instability_and_inconsistency_are_two_warnings():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        solve(problem(velocity=(9.0, 0.0)), np.ones((4, 3)), 2.0, dt=0.2)
    assert {c.category for c in caught} >= {solver.StabilityWarning, ConsistencyWarning}


def test_a_resumed_run_is_judged_by_its_whole_length():
    long = solve(problem(), np.ones((4, 3)), 10.0, dt=0.2)
    solve(problem(), None, 10.4, resume=long)  # silent: tau is small against 10.4, if not against the 0.4 added
    assert long.tau > stability.SMALL_TAU * 0.4


@pytest.mark.parametrize("t_end", [0.5, 1.0, 2.0, 4.0, 8.0])
@pytest.mark.parametrize("D", [0.5, 1.0, 2.0, 4.0])
def test_a_chosen_dt_that_lies_on_the_bound_does_not_warn(D, t_end):
    """Round numbers make t_end / bound whole, so that tau is 2 % of t_end but for the last digit."""
    problem = solver.DiffusionAdvection(solver.Grid((4, 4), (2.0, 2.0)), (0.0, 0.0), (D, D))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solver.solve(problem, np.ones((4, 4)), t_end)
