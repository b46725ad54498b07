"""The time axis: which dt and why, how many steps, what is saved."""

import math

import numpy as np
import pytest

import solver
from solver import DiffusionAdvection, Grid, stability
from solver.planning import make_plan

GRID = Grid((6, 5))


def problem(velocity=(0.0, 0.0), diffusivity=(0.0, 0.0)):
    return DiffusionAdvection(GRID, velocity, diffusivity)


def choose_dt(problem, t_end):
    plan = make_plan(problem, t_end, None, None)
    return plan.dt, plan.reason


def test_pure_advection_takes_a_margin_of_the_largest_stable_dt():
    dt, reason = choose_dt(problem((0.5, 0.25)), 7.0)
    largest = stability.largest_stable_dt(problem((0.5, 0.25)))
    assert 0.8 * largest < dt <= 0.9 * largest
    assert reason == "0.9 of the largest stable dt, 1.333"


def test_diffusion_keeps_tau_small():
    p = problem((0.01, 0.0), (0.3, 0.2))
    dt, reason = choose_dt(p, 7.0)
    consistent = stability.largest_consistent_dt(p)
    assert 0.8 * consistent < dt <= consistent < stability.largest_stable_dt(p)
    assert reason.startswith("tau kept small: consistent up to")
    m = stability.mesh_numbers(p, dt)
    assert float(m.B_x + m.B_y) <= 1 / math.sqrt(12) + 1e-12


def test_advection_with_a_little_diffusion_loses_one_per_cent_of_it_at_most():
    """The telegraph term takes c^2 of the diffusivity along the flow: c <= 0.1."""
    p = problem((1.0, 0.0), (0.01, 0.01))
    dt, reason = choose_dt(p, 1.0)
    assert float(np.max(stability.stability_number(p, dt))) <= 0.1 + 1e-12
    assert "tau kept small" in reason


def test_nothing_that_moves_is_one_step():
    assert choose_dt(problem(), 7.0) == (7.0, "one step: there is neither velocity nor diffusion")


@pytest.mark.parametrize("t_end", [0.003, 1.0, 3.0, 7.77, 100.0])
def test_the_chosen_dt_divides_the_time(t_end):
    plan = make_plan(problem((0.5, 0.25), (0.1, 0.1)), t_end, None, None)
    assert plan.last * plan.dt == pytest.approx(t_end, rel=1e-12)
    assert plan.saved == (0, plan.last)


def test_a_solve_says_which_dt_and_why():
    s = solver.solve(problem((0.5, 0.25)), np.zeros((6, 5)), 7.0)
    assert s.dt == choose_dt(problem((0.5, 0.25)), 7.0)[0]
    assert s.dt_reason in repr(s)
    assert solver.solve(problem((0.5, 0.25)), np.zeros((6, 5)), 7.0, dt=0.5).dt_reason == "as given"


def test_a_dt_that_does_not_divide_is_refused_with_two_that_do():
    with pytest.raises(ValueError, match=r"`dt` is 0\.3, which does not divide `t_end` = 1: .*"):
        make_plan(problem(), 1.0, 0.3, None)
    for steps in (3, 4):
        assert make_plan(problem(), 1.0, 1.0 / steps, None).last == steps
    with pytest.raises(ValueError, match=r"takes dt = 0\.333333333333 \(3 steps\) or dt = 0\.25 \(4 steps\), or None"):
        make_plan(problem(), 1.0, 0.3, None)


@pytest.mark.parametrize(("t_end", "dt", "last"), [(1.0, 0.1, 10), (0.3, 0.1, 3), (2, 1, 2), (1e3, 1e-3, 10**6)])
def test_rounding_of_a_decimal_dt_is_forgiven(t_end, dt, last):
    assert make_plan(problem(), t_end, dt, None).last == last


@pytest.mark.parametrize("save_at", [[0.0, 0.52, 1.0], (0.5, 0.0, 1.0), np.array([0, 0.5, 0.51, 1]), iter([0, 0.5, 1])])
def test_save_times_move_to_the_nearest_step_in_order_and_once(save_at):
    assert make_plan(problem(), 1.0, 0.1, save_at).saved == (0, 5, 10)


def test_a_solve_saves_where_it_says(rng):
    H = rng.standard_normal((6, 5))
    p = problem((0.5, 0.25), (0.1, 0.1))
    s = solver.solve(p, H, 1.0, dt=0.1, save_at=[0.0, 0.31, 0.7])
    np.testing.assert_allclose(s.times, [0.0, 0.3, 0.7])
    np.testing.assert_array_equal(s.fields[0], H)
    for time, field in zip(s.times[1:], s.fields[1:], strict=True):
        np.testing.assert_array_equal(field, solver.solve(p, H, float(time), dt=0.1).final)
    assert s.steps == 10
    np.testing.assert_array_equal(s.final, solver.solve(p, H, 1.0, dt=0.1).final)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"t_end": 0.0}, ValueError, r"`t_end` is 0\.0: it takes a positive finite number"),
        ({"t_end": -1.0}, ValueError, r"`t_end` is -1\.0"),
        ({"t_end": math.inf}, ValueError, r"`t_end` is inf"),
        ({"t_end": "long"}, TypeError, r"`t_end` is 'long': it takes a positive finite number"),
        ({"dt": 0.0}, ValueError, r"`dt` is 0\.0: it takes a positive finite number"),
        ({"dt": math.nan}, ValueError, r"`dt` is nan"),
        ({"dt": "auto"}, TypeError, r"`dt` is 'auto'"),
        (
            {"dt": 2.0},
            ValueError,
            r"`dt` is 2, which does not divide `t_end` = 1: .*It takes dt = 1 \(1 step\), or None",
        ),
        ({"save_at": []}, ValueError, r"`save_at` is \[\]: it takes times from 0 to 1"),
        ({"save_at": [0.5, 1.2]}, ValueError, r"`save_at` is \[0\.5 1\.2\]: it takes times from 0 to 1"),
        ({"save_at": [-0.2]}, ValueError, r"`save_at` is .*: it takes times from 0 to 1"),
        ({"save_at": [math.nan]}, ValueError, r"`save_at` is \[nan\]"),
        ({"save_at": ["noon"]}, TypeError, r"`save_at` is \['noon'\]: it takes a sequence of times"),
        ({"save_at": [[0.1], [0.2, 0.3]]}, TypeError, r"`save_at` is \[\[0\.1\], .*: it takes a sequence of times"),
    ],
)
def test_errors_name_the_argument_and_what_it_takes(arguments, error, message):
    with pytest.raises(error, match=message):
        make_plan(problem(), **({"t_end": 1.0, "dt": 0.1, "save_at": None} | arguments))
