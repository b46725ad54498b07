"""Interrupted and continued equals uninterrupted, bit for bit."""

import math

import numpy as np
import pytest

import solver
from solver import DiffusionAdvection, Grid, Solution, Status

GRID = Grid((6, 5), (0.9, 1.2))
LAST, DT = 150, 0.2


def assert_same_run(continued, straight):
    for a, b in zip(continued.levels, straight.levels, strict=True):
        assert a.tobytes() == b.tobytes()
    assert (continued.steps, continued.dt, continued.start) == (straight.steps, straight.dt, straight.start)
    assert continued.status is Status.FINISHED


def stop_at(step):
    return lambda k, t, field: k >= step


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("backend", ["numpy", "cpu"])
@pytest.mark.parametrize("start", ["heun", "euler", "copy"])
@pytest.mark.parametrize("interrupted", [0, 1, 2, 63, 64, 65, 149])
def test_a_continued_run_is_the_straight_run(problem, H, start, backend, interrupted, dtype, tmp_path):
    choices = {"dt": DT, "start": start, "backend": backend}
    straight = solver.solve(problem, H.astype(dtype), LAST * DT, **choices)
    part = solver.solve(
        problem,
        H.astype(dtype),
        LAST * DT,
        save_at=[interrupted * DT],
        callback=stop_at(interrupted),
        **choices,
    )
    assert (part.status, part.steps) == (Status.STOPPED, interrupted)
    loaded = Solution.load(part.save(tmp_path / "part.npz"))
    for solution in (part, loaded):
        assert_same_run(solver.solve(problem, None, LAST * DT, backend=backend, resume=solution), straight)


def test_a_finished_run_goes_on(problem, H):
    half = solver.solve(problem, H, 75 * DT, dt=DT)
    assert_same_run(solver.solve(problem, None, LAST * DT, resume=half), solver.solve(problem, H, LAST * DT, dt=DT))


def test_a_batch_goes_on(rng, H):
    problem = DiffusionAdvection(GRID, (rng.uniform(-0.3, 0.3, (3, 1, 1)), 0.1), (0.2, 0.2))
    part = solver.solve(problem, H, LAST * DT, dt=DT, callback=stop_at(0))
    assert part.final.shape == (3, 6, 5)
    assert_same_run(solver.solve(problem, None, LAST * DT, resume=part), solver.solve(problem, H, LAST * DT, dt=DT))


def test_the_saved_times_go_on_from_the_interruption(problem, H):
    part = solver.solve(problem, H, 50 * DT, dt=DT)
    rest = solver.solve(problem, None, LAST * DT, resume=part, save_at=[60 * DT, 100 * DT])
    np.testing.assert_allclose(rest.times, [60 * DT, 100 * DT])
    np.testing.assert_array_equal(rest.fields[0], solver.solve(problem, H, 60 * DT, dt=DT).final)
    default = solver.solve(problem, None, LAST * DT, resume=part)
    np.testing.assert_allclose(default.times, [50 * DT, LAST * DT])
    np.testing.assert_array_equal(default.fields[0], part.final)


@pytest.mark.parametrize("step", [0, 10, 64])
def test_ctrl_c_keeps_what_was_reached(problem, H, step):
    def interrupt(k, t, field):
        if k >= step:
            raise KeyboardInterrupt

    sentence = rf"interrupted; continue it with .*resume=solution\)\. \(step {step}\)"
    with pytest.warns(RuntimeWarning, match=sentence) as caught:
        part = solver.solve(problem, H, LAST * DT, dt=DT, save_at=[0.0, 10 * DT, LAST * DT], callback=interrupt)
    assert caught[0].filename == __file__
    assert (part.status, part.steps) == (Status.INTERRUPTED, step)
    assert len(part.times) == (1 if step == 0 else 2)
    assert_same_run(solver.solve(problem, None, LAST * DT, resume=part), solver.solve(problem, H, LAST * DT, dt=DT))


def test_stopping_at_the_end_is_finishing(problem, H):
    s = solver.solve(problem, H, LAST * DT, dt=DT, callback=stop_at(LAST))
    assert s.status is Status.FINISHED


def test_errors_say_what_does_not_continue(problem, H):
    part = solver.solve(problem, H, 10 * DT, dt=DT)
    other = DiffusionAdvection(Grid((6, 5)), (0.0, 0.0), (0.1, 0.1))
    for arguments, error, message in [
        ((problem, H, 4.0, {}), ValueError, r"`initial` must be None with `resume`"),
        ((problem, None, 4.0, {"dt": 0.1}), ValueError, r"`dt` is 0\.1, but the run to resume has dt = 0\.2"),
        ((other, None, 4.0, {}), ValueError, r"`problem` is on Grid\(.*but the run to resume is on"),
        ((problem, None, 2.0, {}), ValueError, r"`t_end` is 2\.0: it takes a time after 2, which the run has reached"),
        ((problem, None, math.nan, {}), ValueError, r"`t_end` is nan: it takes a positive finite number"),
        ((problem, None, 2.3, {}), ValueError, r"`t_end` is 2\.3, no whole number of steps .* it takes 2\.2 or 2\.4"),
        ((problem, None, 4.0, {"save_at": [1.0]}), ValueError, r"`save_at` is \[1\.\]: it takes times from 2 to 4"),
    ]:
        problem_, initial, t_end, rest = arguments
        with pytest.raises(error, match=message):
            solver.solve(problem_, initial, t_end, resume=part, **rest)
    with pytest.raises(TypeError, match=r"`resume` is a str: it takes a solver\.Solution"):
        solver.solve(problem, None, 4.0, resume="part.npz")
    assert solver.solve(problem, None, 4.0, dt=DT, resume=part).steps == 20
