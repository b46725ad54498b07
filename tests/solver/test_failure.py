"""A run that turns non-finite: where it stops, what it reports, what it keeps."""

import numpy as np
import pytest

import solver
from solver import DiffusionAdvection, Grid, Solution, Status, reference
from solver.records import Levels

pytestmark = pytest.mark.filterwarnings("ignore::solver.StabilityWarning")


def unstable(dtype):
    """One fast cell in a slow flow of a batch of two: growth of about 2 a step around member 1, cell (4, 2)."""
    u = np.full((2, 8, 7), 0.1)
    u[1, 4, 2] = 40.0
    problem = DiffusionAdvection(Grid((8, 7)), (u, 0.05), (0.05, 0.05))
    H = np.random.default_rng(3).standard_normal((2, 8, 7)).astype(dtype)
    return problem, H


def first_failure(problem, H, dt):
    """Step by step with the reference: last good levels, first bad step, its first bad cell."""
    levels, step = Levels(H, H), 0
    while True:
        step += 1
        with np.errstate(over="ignore", invalid="ignore"):
            following = reference.forward(levels, problem.held(H.dtype), problem.mesh(dt), 1)
        bad = np.argwhere(~np.isfinite(following.now))
        if len(bad):
            return levels, step, tuple(int(i) for i in bad[0])
        levels = following


@pytest.mark.parametrize("backend", ["numpy", "cpu"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_report_names_the_first_bad_step_and_cell(backend, dtype):
    problem, H = unstable(dtype)
    levels, step, cell = first_failure(problem, H, 0.5)
    assert step > 20
    with pytest.warns(RuntimeWarning, match=r"became infinite or not a number.*not finite at step \d+") as caught:
        s = solver.solve(problem, H, 5000.0, dt=0.5, start="copy", backend=backend)
    assert s.status is Status.NON_FINITE
    assert caught[-1].filename == __file__
    if backend == "numpy":
        assert (s.failure.step, s.failure.cell) == (step, cell)
        np.testing.assert_array_equal(s.final, levels.now)
    else:  # rounding may move an overflow by a step
        assert abs(s.failure.step - step) <= 1
    assert s.failure.time == s.failure.step * 0.5
    m = solver.stability.mesh_numbers(problem, 0.5)
    assert s.failure.mesh_numbers == m.at(s.failure.cell, (2, 8, 7))
    for part in (f"step {s.failure.step}", f"cell {s.failure.cell}", "A_x =", "B_y ="):
        assert part in str(s.failure)
    assert str(s.failure) in repr(s)


@pytest.mark.parametrize("backend", ["numpy", "cpu"])
@pytest.mark.parametrize("start", ["heun", "euler", "copy"])
def test_the_last_good_state_is_kept(backend, start):
    problem, H = unstable(np.float32)
    with pytest.warns(RuntimeWarning, match="not finite"):
        s = solver.solve(problem, H, 5000.0, dt=0.5, start=start, backend=backend, save_at=[0.0, 5.0, 5000.0])
    assert s.steps == s.failure.step - 1
    assert np.isfinite(s.final).all()
    assert np.isfinite(s.levels.old).all()
    np.testing.assert_allclose(s.times, [0.0, 5.0])
    good = solver.solve(problem, H, s.steps * 0.5, dt=0.5, start=start, backend=backend)
    np.testing.assert_array_equal(s.final, good.final)
    engine = solver.backends.get(backend)
    with np.errstate(over="ignore", invalid="ignore"):
        following = engine.forward(s.levels, problem.held(np.float32), problem.mesh(0.5), 1)
    assert not np.isfinite(following.now).all()


def test_it_stops_within_64_steps():
    problem, H = unstable(np.float32)
    calls = []
    with pytest.warns(RuntimeWarning, match="not finite"):
        s = solver.solve(problem, H, 5000.0, dt=0.5, callback=lambda k, t, field: calls.append(k))
    assert max(calls) < s.failure.step <= max(calls) + 64


def test_overflow_in_the_very_first_step():
    problem = DiffusionAdvection(Grid((4, 4)), (1e30, 0.0), (0.1, 0.1))
    H = np.random.default_rng(0).standard_normal((4, 4)).astype(np.float32) * 1e30
    with pytest.warns(RuntimeWarning, match="not finite at step 1"):
        s = solver.solve(problem, H, 10.0, dt=1.0)
    assert (s.steps, s.failure.step) == (0, 1)
    np.testing.assert_array_equal(s.final, H)


def test_a_failed_run_is_not_resumed_but_can_be_saved(tmp_path):
    problem, H = unstable(np.float32)
    with pytest.warns(RuntimeWarning, match="not finite"):
        s = solver.solve(problem, H, 5000.0, dt=0.5)
    loaded = Solution.load(s.save(tmp_path / "failed"))
    assert loaded.failure == s.failure
    for solution in (s, loaded):
        with pytest.raises(ValueError, match=r"`resume` cannot go on: not finite at step .*smaller dt"):
            solver.solve(problem, None, 6000.0, resume=solution)


def test_what_does_not_come_again_is_said_and_the_run_goes_on(monkeypatch):
    """What was not finite is looked for step by step; if it does not come again, there is no failure to report."""
    problem, H = unstable(np.float64)
    want = solver.solve(problem, H, 5.0, dt=0.5, backend="numpy")
    forward, calls = reference.forward, []

    def once(levels, fields, mesh, steps):
        calls.append(steps)
        reached = forward(levels, fields, mesh, steps)
        return Levels(reached.now * np.nan, reached.old) if len(calls) == 1 else reached

    monkeypatch.setattr(reference, "forward", once)
    with pytest.warns(RuntimeWarning, match=r"up to 10 were not finite together, and are one by one") as caught:
        found = solver.solve(problem, H, 5.0, dt=0.5, backend="numpy")
    assert caught[-1].filename == __file__
    assert (found.status, found.steps, found.failure) == (Status.FINISHED, 10, None)
    np.testing.assert_array_equal(found.final, want.final)
