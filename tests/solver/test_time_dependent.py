"""Velocity and source as functions of time: when they are called, their order, their errors, and a run that goes on."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import solver
from solver import RAW, DiffusionAdvection, Dirichlet, Grid, Sides, Solution, Status, stability
from solver.planning import SAMPLES

SHAPE = (6, 5)
BACKENDS = pytest.mark.parametrize("backend", ["numpy", "cpu"])
STARTS = pytest.mark.parametrize("start", ["heun", "euler", "copy"])


@pytest.fixture
def moving(rng):
    """A velocity that turns and a source that breathes, between walls of three kinds."""
    sides = Sides("no-flux", Dirichlet(0.3), "periodic", "periodic")
    u, v, f = rng.uniform(-0.3, 0.3, (3, *SHAPE))

    def velocity(t):
        return u * math.cos(t), v * math.sin(2 * t)

    return DiffusionAdvection(
        Grid(SHAPE, (0.9, 1.2), sides), velocity, (rng.uniform(0.1, 0.2, SHAPE), 0.1), lambda t: f * math.cos(3 * t)
    )


@BACKENDS
@STARTS
@pytest.mark.parametrize("filter", [None, RAW()], ids=["no filter", "RAW"])
@pytest.mark.parametrize("forms", [("skew", "laplacian"), ("product", "flux")], ids="-".join)
def test_functions_that_never_change_give_the_bits_of_the_steady_problem(problem, H, backend, start, filter, forms):
    problem = replace(problem, advection=forms[0], diffusion=forms[1])
    u, v, Dx, Dy, f = problem.fields()
    choices = {"dt": 0.2, "start": start, "filter": filter, "backend": backend}
    want = solver.solve(problem, H, 20.0, **choices)
    for velocity, source in (((u, v), lambda t: f), (lambda t: (u, v), f), (lambda t: (u, v), lambda t: f)):
        same = DiffusionAdvection(problem.grid, velocity, (Dx, Dy), source, advection=forms[0], diffusion=forms[1])
        assert not same.steady
        got = solver.solve(same, H, 20.0, **choices)
        for a, b in zip(got.levels, want.levels, strict=True):
            assert a.tobytes() == b.tobytes()


def still(source, velocity=(0.0, 0.0)):
    return DiffusionAdvection(Grid((2, 2)), velocity, (0.0, 0.0), source)


@BACKENDS
def test_the_step_from_k_takes_the_source_at_k(backend):
    """H[k+1] = H[k-1] + 2 dt f(k dt), started by copy: neither f one step later nor earlier gives this sum."""
    dt, steps = 0.1, 7
    s = solver.solve(still(lambda t: math.exp(t)), np.zeros((2, 2)), dt * steps, dt=dt, start="copy", backend=backend)
    H = [0.0, 0.0]
    for k in range(steps):
        H.append(H[-2] + 2 * dt * math.exp(k * dt))
    np.testing.assert_allclose(s.final, H[-1], rtol=0, atol=1e-14)


@BACKENDS
def test_the_step_from_k_takes_the_velocity_at_k(backend):
    """A linear profile in y between walls, carried by v(t): dH/dt = -v in the middle, and nothing else."""
    dt, steps = 0.05, 6
    grid = Grid((1, 3), boundary=Sides("no-flux", "no-flux", Dirichlet(0.0), Dirichlet(2.0)))
    problem = DiffusionAdvection(grid, lambda t: (0.0, t**2), (0.0, 0.0), advection="product")
    s = solver.solve(problem, [[0.0, 1.0, 2.0]], dt * steps, dt=dt, start="copy", backend=backend)
    H = [1.0, 1.0]
    for k in range(steps):
        H.append(H[-2] - 2 * dt * (k * dt) ** 2)
    np.testing.assert_allclose(s.final[0, 1], H[-1], rtol=0, atol=1e-14)


@pytest.mark.parametrize("start", ["heun", "euler", "copy"])
def test_it_is_called_once_a_step_at_the_time_of_the_step(start):
    """Besides the times at which the verdict looks; of these only 0 and t_end are times of steps, for 7 steps."""
    t_end, last = 1.75, 7
    called = []

    def source(t):
        called.append(float(t))
        return 1.0

    solver.solve(still(source), np.zeros((2, 2)), t_end, dt=t_end / last, start=start)
    looked = set(np.linspace(0.0, t_end, SAMPLES).tolist())
    stepped = sorted(t for t in called if t not in looked)
    stages = {"heun": [t_end / last], "euler": [], "copy": []}[start]  # of the first step
    assert stepped == sorted([k * (t_end / last) for k in range(1, last)] + stages)


@pytest.mark.parametrize("start", ["heun", "euler"])
def test_the_order_in_time_of_a_moving_velocity_and_source_is_two(start):
    """Self-convergence at fixed spacing, without diffusion: halving dt divides the change by four."""
    n = 12
    grid = Grid((n, n), (1 / n, 1 / n))
    X, Y = grid.mesh()
    wave = np.sin(2 * np.pi * X) * np.cos(2 * np.pi * Y)
    problem = DiffusionAdvection(
        grid,
        lambda t: (0.3 * np.cos(3 * t) + 0.1 * wave * t, 0.2 * np.sin(4 * t)),
        (0.0, 0.0),
        lambda t: np.cos(5 * t) * wave,
    )
    ends = [solver.solve(problem, wave, 0.8, dt=0.8 / steps, start=start).final for steps in (32, 64, 128, 256)]
    changes = np.array([np.abs(a - b).max() for a, b in pairwise(ends)])
    assert np.abs(np.log2(changes[:-1] / changes[1:]) - 2).max() < 0.1


def test_a_problem_knows_whether_it_is_steady_and_what_it_is_at_a_time(moving, problem):
    assert problem.steady
    assert problem.at(3.0) is problem
    assert not moving.steady
    now = moving.at(0.5)
    assert now.steady
    np.testing.assert_array_equal(now.velocity[0], moving.velocity(0.5)[0])
    np.testing.assert_array_equal(now.source, moving.source(0.5))
    assert (now.grid, now.advection, now.diffusion) == (moving.grid, moving.advection, moving.diffusion)
    assert "at t = 0 of a time-dependent problem" in repr(moving)
    assert "time-dependent" not in repr(problem)
    np.testing.assert_array_equal(moving.fields().u, moving.at(0.0).fields().u)


@STARTS
@BACKENDS
@pytest.mark.parametrize("filter", [None, RAW(0.3, 0.6)], ids=["no filter", "RAW"])
@pytest.mark.parametrize("interrupted", [0, 1, 2, 64, 99])
def test_a_continued_run_is_the_straight_run(moving, H, start, backend, filter, interrupted, tmp_path):
    choices = {"dt": 0.1, "start": start, "backend": backend, "filter": filter}
    straight = solver.solve(moving, H, 10.0, **choices)
    part = solver.solve(
        moving, H, 10.0, save_at=[interrupted * 0.1], callback=lambda k, t, field: k >= interrupted, **choices
    )
    assert (part.status, part.steps) == (Status.STOPPED, interrupted)
    rest = solver.solve(moving, None, 10.0, backend=backend, resume=Solution.load(part.save(tmp_path / "part")))
    for a, b in zip(rest.levels, straight.levels, strict=True):
        assert a.tobytes() == b.tobytes()


def accelerating(t):
    return (0.1 + 2.0 * t, 0.0)


def test_the_whole_run_is_judged_not_its_beginning():
    problem = DiffusionAdvection(Grid((4, 4)), accelerating, (0.01, 0.01))
    assert stability.judge(problem, 0.5).stable  # at t = 0
    with pytest.warns(solver.StabilityWarning, match=r"dt = 0\.5 is unstable: .*A_x = 2\.05.*would pass"):
        solver.solve(problem, np.zeros((4, 4)), 2.0, dt=0.5)


def test_the_chosen_dt_is_stable_at_the_worst_time():
    problem = DiffusionAdvection(Grid((4, 4)), accelerating, (0.0, 0.0))
    s = solver.solve(problem, np.zeros((4, 4)), 2.0, strict=True)
    assert s.dt <= 0.9 / 4.1 + 1e-12
    assert s.stability_number == pytest.approx(4.1 * s.dt)
    with pytest.raises(solver.StabilityError, match=r"dt = 0\.25 is unstable"):
        solver.solve(problem, np.zeros((4, 4)), 2.0, dt=0.25, strict=True)


def at(late):
    """Return a velocity that is `late` from t = 0.5 on."""
    return lambda t: late if t >= 0.5 else (0.1, 0.1)


@pytest.mark.parametrize(
    ("velocity", "source", "error", "message"),
    [
        (at(1.0), 0.0, TypeError, r"`velocity` is a float: it takes a pair \(u, v\)"),
        (at((1.0,)), 0.0, TypeError, r"`velocity` is a tuple: it takes a pair \(u, v\)"),
        (at(None), 0.0, TypeError, r"`velocity` is a NoneType: it takes a pair"),
        (at((0.0, np.ones((4, 3)))), 0.0, ValueError, r"`velocity` v has shape \(4, 3\)"),
        (at((math.nan, 0.0)), 0.0, ValueError, r"`velocity` u is not finite"),
        ((0.1, 0.1), lambda t: 1 / (1 - t) if t < 1 else math.inf, ValueError, r"`source` f is not finite"),
        ((0.1, 0.1), lambda t: np.ones(7), ValueError, r"`source` f has shape \(7,\)"),
        ((0.1, 0.1), lambda t: "warm", TypeError, r"`source` f has dtype <U4"),
    ],
)
def test_what_a_function_returns_is_checked_at_every_step(velocity, source, error, message):
    def run():
        problem = DiffusionAdvection(Grid((3, 3)), velocity, (0.1, 0.1), source)
        solver.solve(problem, np.ones((3, 3)), 1.0, dt=0.1)

    with pytest.raises(error, match=message):
        run()


def test_an_error_between_the_samples_of_the_verdict_is_raised_by_the_step():
    def source(t):
        return math.nan if abs(t - 0.3) < 1e-9 else 1.0

    with pytest.raises(ValueError, match="`source` f is not finite"):
        solver.solve(still(source), np.zeros((2, 2)), 1.0, dt=0.1)


def test_the_diffusivity_is_no_function_of_time():
    with pytest.raises(TypeError, match=r"`diffusivity` is a function: it takes a pair \(Dx, Dy\)"):
        DiffusionAdvection(Grid((3, 3)), (0.0, 0.0), lambda t: (0.1, 0.1))


@pytest.mark.filterwarnings("ignore::solver.StabilityWarning")
def test_the_failure_of_a_moving_problem_is_located():
    problem = DiffusionAdvection(Grid((4, 4)), lambda t: (40.0 * min(t, 1.0), 0.0), (0.01, 0.01))
    H = np.random.default_rng(0).standard_normal((4, 4)).astype(np.float32)
    with pytest.warns(RuntimeWarning, match="not finite at step"):
        s = solver.solve(problem, H, 500.0, dt=0.5)
    assert s.status is Status.NON_FINITE
    assert s.steps == s.failure.step - 1
    good = solver.solve(problem, H, s.steps * 0.5, dt=0.5)
    np.testing.assert_array_equal(s.final, good.final)


def test_an_error_of_a_function_says_at_which_time():
    def source(t):
        return np.nan if t > 0.5 else 0.0

    problem = DiffusionAdvection(Grid((4, 3)), (0.1, 0.0), (0.1, 0.1), source)
    with pytest.raises(ValueError, match=r"at t = 0\.\d+: `source` f is not finite"):
        solver.solve(problem, np.ones((4, 3)), 1.0, dt=0.05)


def test_the_stability_warning_says_at_which_time():
    problem = DiffusionAdvection(Grid((4, 3)), lambda t: (3.0 * t, 0.0), (0.01, 0.01))
    with pytest.warns(solver.StabilityWarning, match=r"At t = 1: dt = 0\.5 is unstable"):
        solver.solve(problem, np.ones((4, 3)), 1.0, dt=0.5)


def test_what_does_not_change_is_not_copied_at_every_time():
    u = np.full((4, 3), 0.1)
    problem = DiffusionAdvection(Grid((4, 3)), (u, 0.0), (0.1, 0.1), lambda t: t)
    assert problem.at(0.3).velocity[0] is problem.velocity[0]
    assert problem.at(0.3).diffusivity is problem.diffusivity
    assert float(problem.at(0.3).source) == 0.3
    assert not problem.steady
    assert problem.at(0.3).steady
