"""The time loop: equal to stepping by hand, batches, dtypes, callbacks, progress, and the initial state's errors."""

import numpy as np
import pytest

import solver
from solver import DiffusionAdvection, Grid, Status, reference
from solver.records import Levels

GRID = Grid((6, 5), (0.9, 1.2))


@pytest.mark.parametrize("backend", ["numpy", "cpu", "auto"])
def test_a_copy_start_is_the_bare_scheme(problem, H, backend):
    s = solver.solve(problem, H, 20.0, dt=0.2, start="copy", backend=backend)
    want = reference.forward(Levels(H, H), problem.held(H.dtype), problem.mesh(0.2), 100)
    np.testing.assert_allclose(s.final, want.now, rtol=0, atol=1e-12)
    np.testing.assert_allclose(s.levels.old, want.old, rtol=0, atol=1e-12)
    assert (s.steps, s.status, s.backend) == (100, Status.FINISHED, "numpy" if backend == "numpy" else "cpu")


@pytest.mark.parametrize("start", ["heun", "euler", "copy"])
def test_pausing_to_save_changes_no_bit(problem, H, start):
    straight = solver.solve(problem, H, 30.0, dt=0.2, start=start)
    paused = solver.solve(problem, H, 30.0, dt=0.2, start=start, save_at=np.linspace(0.2, 30.0, 37))
    np.testing.assert_array_equal(straight.final, paused.final)


@pytest.mark.parametrize("backend", ["numpy", "cpu"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_initial_state_decides_the_dtype(problem, H, backend, dtype):
    s = solver.solve(problem, H.astype(dtype), 2.0, dt=0.2, backend=backend)
    assert {s.fields.dtype, s.final.dtype, s.levels.old.dtype} == {np.dtype(dtype)}


@pytest.mark.parametrize("backend", ["numpy", "cpu"])
@pytest.mark.parametrize(
    "t_end",
    [2, *(number(2) for number in (np.float64, np.float32, np.int64))],
)
def test_the_type_of_the_time_does_not_decide_the_dtype(problem, H, backend, t_end, tmp_path):
    s = solver.solve(problem, H.astype(np.float32), t_end, backend=backend)
    assert s.final.dtype == np.float32
    np.testing.assert_array_equal(s.final, solver.solve(problem, H.astype(np.float32), 2.0, backend=backend).final)
    s.save(tmp_path / "solution")


@pytest.mark.parametrize("dtype", [int, bool, np.float16])
def test_other_numbers_are_solved_in_float64(problem, dtype):
    assert solver.solve(problem, np.ones((6, 5), dtype), 1.0).final.dtype == np.float64


def test_float32_agrees_with_float64(problem, H):
    single, double = (solver.solve(problem, H.astype(t), 4.0, dt=0.2).final for t in (np.float32, np.float64))
    np.testing.assert_allclose(single, double, rtol=0, atol=2e-5)


@pytest.mark.parametrize("backend", ["numpy", "cpu"])
@pytest.mark.parametrize("start", ["heun", "euler", "copy"])
def test_a_batch_is_as_many_separate_solves(rng, backend, start):
    u = rng.uniform(-0.3, 0.3, (2, 1, 6, 5))
    Dx = rng.uniform(0.1, 0.3, (3, 1, 1))
    H = rng.standard_normal((2, 3, 6, 5))
    whole = solver.solve(DiffusionAdvection(GRID, (u, 0.2), (Dx, 0.2)), H, 3.0, dt=0.2, start=start, backend=backend)
    assert whole.fields.shape == (2, 2, 3, 6, 5)
    for n in range(2):
        for c in range(3):
            one = DiffusionAdvection(GRID, (u[n, 0], 0.2), (Dx[c], 0.2))
            alone = solver.solve(one, H[n, c], 3.0, dt=0.2, start=start, backend=backend)
            np.testing.assert_array_equal(whole.final[n, c], alone.final)


@pytest.mark.parametrize("start", ["heun", "copy"])
def test_one_state_under_a_batch_of_coefficients(rng, H, start):
    u = rng.uniform(-0.3, 0.3, (3, 1, 1))
    s = solver.solve(DiffusionAdvection(GRID, (u, 0.0), (0.2, 0.2)), H, 1.0, dt=0.2, start=start)
    assert s.fields.shape == (2, 3, 6, 5)
    np.testing.assert_array_equal(s.fields[0], np.broadcast_to(H, (3, 6, 5)))
    alone = solver.solve(DiffusionAdvection(GRID, (u[1], 0.0), (0.2, 0.2)), H, 1.0, dt=0.2, start=start)
    np.testing.assert_array_equal(s.final[1], alone.final)


def test_a_batch_of_no_planes(problem):
    assert solver.solve(problem, np.zeros((0, 6, 5)), 1.0).fields.shape == (2, 0, 6, 5)


def test_the_callback_sees_every_saved_time_and_every_64_steps(problem, H):
    calls = []
    solver.solve(
        problem, H, 30.0, dt=0.2, save_at=[5.0, 30.0], callback=lambda k, t, field: calls.append((k, t, field.copy()))
    )
    assert [k for k, _, _ in calls] == [25, 64, 128, 150]
    for k, t, field in calls:
        assert t == pytest.approx(0.2 * k)
        np.testing.assert_array_equal(field, solver.solve(problem, H, 0.2 * k, dt=0.2).final)


@pytest.mark.parametrize("backend", ["numpy", "cpu"])
def test_a_callback_cannot_change_the_run(problem, H, backend):
    def scribble(step, time, field):
        try:
            field[...] = 1e6
        except ValueError:  # a read-only view is the better answer
            return

    disturbed = solver.solve(problem, H, 2.0, dt=0.2, backend=backend, callback=scribble)
    np.testing.assert_array_equal(disturbed.final, solver.solve(problem, H, 2.0, dt=0.2, backend=backend).final)


def test_an_error_in_the_callback_is_raised(problem, H):
    def fail(step, time, field):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        solver.solve(problem, H, 2.0, dt=0.2, callback=fail)


def test_the_progress_bar_counts_the_steps(problem, H, capsys):
    solver.solve(problem, H, 30.0, dt=0.2, progress=True)
    shown = capsys.readouterr().out
    assert "solving" in shown
    assert "150/150" in shown
    solver.solve(problem, H, 30.0, dt=0.2)
    assert capsys.readouterr().out == ""


def test_the_initial_state_is_left_alone(problem, H):
    before = H.copy()
    s = solver.solve(problem, H, 2.0, dt=0.2)
    np.testing.assert_array_equal(H, before)
    assert not np.shares_memory(s.fields, H)


HOLE = np.ones((2, 6, 5))
HOLE[1, 2, 3] = np.inf


@pytest.mark.parametrize(
    ("initial", "error", "message"),
    [
        (None, TypeError, r"`initial` is None: it takes the field at t = 0"),
        (np.ones((6, 5), complex), TypeError, r"`initial` has dtype complex128: it takes real numbers"),
        ("field", TypeError, r"`initial` has dtype <U5"),
        (1.0, ValueError, r"`initial` has shape \(\): it takes \(\.\.\., 6, 5\)"),
        (np.ones((5, 6)), ValueError, r"`initial` has shape \(5, 6\): it takes \(\.\.\., 6, 5\)"),
        (HOLE, ValueError, r"`initial` is not finite at \(1, 2, 3\)"),
    ],
)
def test_errors_of_the_initial_state(problem, initial, error, message):
    with pytest.raises(error, match=message):
        solver.solve(problem, initial, 1.0)


def test_other_errors(problem, H):
    with pytest.raises(TypeError, match=r"`problem` is a Grid: it takes a solver\.DiffusionAdvection"):
        solver.solve(GRID, H, 1.0)
    with pytest.raises(ValueError, match=r"`backend` is 'gpu': it takes 'auto', 'numpy', 'cpu'"):
        solver.solve(problem, H, 1.0, backend="gpu")
    batched = DiffusionAdvection(GRID, (np.zeros((2, 1, 1)), 0.0), (0.1, 0.1))
    with pytest.raises(ValueError, match=r"batch dimensions \(3,\), the coefficients \(2,\): they must broadcast"):
        solver.solve(batched, np.ones((3, 6, 5)), 1.0)
