"""A remedy that a message names must work when it is copied from there."""

import re

import numpy as np
import pytest

from solver import DiffusionAdvection, Grid, Status, solve
from solver.stability import judge

GRID = Grid((6, 5), (0.7, 1.3))


@pytest.mark.parametrize("seed", range(40))
def test_the_dt_that_a_violation_names_passes(seed):
    rng = np.random.default_rng(seed)
    u, v = rng.normal(size=(2, *GRID.shape)) * 10.0 ** rng.uniform(-3, 3)
    Dx, Dy = rng.uniform(0.1, 1, (2, *GRID.shape)) if seed % 2 else (0.0, 0.0)
    problem = DiffusionAdvection(GRID, (u, v), (Dx, Dy))
    message = str(judge(problem, 1.001 * judge(problem, 1.0).largest_dt))
    named = float(re.search(r"dt <= (\S+) would pass", message).group(1))
    assert judge(problem, named).stable
    assert not judge(problem, 1.0011 * named).stable


@pytest.fixture
def half():
    problem = DiffusionAdvection(GRID, (0.3, 0.2), (0.1, 0.1))
    H = np.random.default_rng(0).normal(size=GRID.shape)
    return problem, solve(problem, H, 1.0, dt=0.25)


def test_a_time_between_two_steps_of_a_resumed_run_names_both(half):
    problem, solution = half
    with pytest.raises(ValueError, match=r"`t_end` is 1\.3, .* dt = 0\.25: it takes 1\.25 or 1\.5"):
        solve(problem, None, 1.3, resume=solution)
    assert solve(problem, None, 1.5, resume=solution).time == 1.5


def test_another_equation_does_not_pass_for_the_rest_of_a_run(half):
    _, solution = half
    other = DiffusionAdvection(GRID, (0.3, 0.2), (0.1, 0.2))
    with pytest.raises(ValueError, match=r"`problem` has other coefficients .* `resume\.final`"):
        solve(other, None, 2.0, resume=solution)


def test_a_first_step_of_too_many_substeps_is_refused():
    problem = DiffusionAdvection(GRID, (0.0, 0.0), (1.0, 1.0))
    with pytest.raises(ValueError, match=r"`start` 'heun' would need \d+ explicit substeps.*start='copy'"):
        solve(problem, np.ones(GRID.shape), 1e7, dt=250.0)
    assert solve(problem, np.ones(GRID.shape), 1e7, dt=250.0, start="copy").status is Status.FINISHED


def test_a_run_that_stopped_before_its_first_save_can_be_seen():
    problem = DiffusionAdvection(GRID, (0.3, 0.2), (0.1, 0.1))
    H = np.random.default_rng(0).normal(size=GRID.shape)
    stopped = solve(problem, H, 100.0, dt=0.25, save_at=[100.0], callback=lambda step, t, field: True)
    assert stopped.fields.shape[0] == 0
    assert len(stopped.plot().axes) == 2
    with pytest.raises(ValueError, match=r"0 saved field"):
        stopped.animate("nowhere.gif")
