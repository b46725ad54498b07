"""The RAW filter: its formula, never in the first step, the mode it damps, and a run that keeps it."""

import math

import numpy as np
import pytest

import solver
from solver import RAW, DiffusionAdvection, Dirichlet, Grid, Sides, Solution, Status, backends, reference
from solver.records import Fields, Filter, Levels, Mesh

LAST, DT = 100, 0.2
STARTS = pytest.mark.parametrize("start", ["heun", "euler", "copy"])
BACKENDS = pytest.mark.parametrize("backend", ["numpy", "cpu"])


def filtered_by_hand(problem, H, steps, start, nu, alpha):
    """H[steps] and H[steps-1] with a filter after every step but the first; only the bare sweep is the project's."""
    first = solver.solve(problem, H, LAST * DT, dt=DT, start=start, save_at=[DT], backend="numpy").fields[0]
    old, now = H, first
    for _ in range(steps - 1):
        new = reference.forward(Levels(now, old), problem.held(H.dtype), problem.mesh(DT), 1).now
        d = nu / 2 * (old - 2 * now + new)
        old, now = now + alpha * d, new - (1 - alpha) * d
    return now, old


@pytest.mark.filterwarnings("ignore::solver.StabilityWarning")  # alpha = 1/2 has no stable dt
@BACKENDS
@STARTS
@pytest.mark.parametrize(("nu", "alpha"), [(0.2, 0.53), (1.0, 1.0), (0.05, 0.5)])
def test_it_is_williams_formula(problem, H, start, backend, nu, alpha):
    s = solver.solve(problem, H, LAST * DT, dt=DT, start=start, filter=RAW(nu, alpha), backend=backend)
    want = filtered_by_hand(problem, H, LAST, start, nu, alpha)
    for got, right in zip(s.levels, want, strict=True):
        np.testing.assert_allclose(got, right, rtol=0, atol=1e-12)
    assert np.abs(s.final - solver.solve(problem, H, LAST * DT, dt=DT, start=start).final).max() > 1e-6


@BACKENDS
@STARTS
def test_the_first_step_is_not_filtered_and_the_second_is(problem, H, start, backend):
    choices = {"dt": DT, "start": start, "backend": backend, "save_at": [DT, 2 * DT]}
    plain = solver.solve(problem, H, LAST * DT, **choices).fields
    filtered = solver.solve(problem, H, LAST * DT, filter=RAW(), **choices).fields
    np.testing.assert_array_equal(filtered[0], plain[0])
    assert np.abs(filtered[1] - plain[1]).max() > 1e-6


@BACKENDS
@pytest.mark.parametrize("unfiltered", [0, 1, 3, 5, 9])
def test_so_many_leading_steps_of_a_call_are_left_alone(backend, unfiltered, make_inputs, split):
    levels, fields = split(make_inputs((6, 5)))
    run = backends.get(backend).forward
    plain = Mesh(0.2, 0.9, 1.2)
    cut = min(unfiltered, 5)
    state = run(levels, fields, plain, cut)
    want = run(state, fields, plain._replace(raw=Filter(0.2, 0.53, 0)), 5 - cut)
    got = run(levels, fields, plain._replace(raw=Filter(0.2, 0.53, unfiltered)), 5)
    for g, w in zip(got, want, strict=True):
        np.testing.assert_array_equal(g, w)


@BACKENDS
def test_it_damps_the_mode_that_changes_sign_and_keeps_the_mean(backend):
    """Without velocity and diffusion H[k+1] = H[k-1]: the part that changes sign stays for ever, unless filtered."""
    zero, one = np.zeros(()), np.ones((3, 4))
    still = Fields(zero, zero, zero, zero, zero)
    run = backends.get(backend).forward
    for raw, left in ((Filter(), 1.0), (Filter(0.2, 0.53, 0), 0.0)):
        mesh = Mesh(0.1, raw=raw)
        now, old = run(Levels(one, -one), still, mesh, 400)
        assert np.abs(now - old).max() / 2 == pytest.approx(left, abs=1e-10)
        assert np.abs(now + old).max() / 2 < 0.01  # what alpha > 1/2 has moved into the mean
        np.testing.assert_array_equal(run(Levels(one, one), still, mesh, 400).now, one)


@STARTS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@BACKENDS
@pytest.mark.parametrize("interrupted", [0, 1, 2, 3, 63, 64, 65, 99])
def test_a_continued_run_is_the_straight_run(problem, H, start, backend, interrupted, dtype, tmp_path):
    choices = {"dt": DT, "start": start, "backend": backend, "filter": RAW(0.3, 0.6)}
    H = H.astype(dtype)
    straight = solver.solve(problem, H, LAST * DT, **choices)
    part = solver.solve(
        problem, H, LAST * DT, save_at=[interrupted * DT], callback=lambda k, t, field: k >= interrupted, **choices
    )
    assert (part.status, part.steps) == (Status.STOPPED, interrupted)
    loaded = Solution.load(part.save(tmp_path / "part.npz"))
    for solution in (part, loaded):
        rest = solver.solve(problem, None, LAST * DT, backend=backend, resume=solution)
        assert rest.filter == RAW(0.3, 0.6)
        for a, b in zip(rest.levels, straight.levels, strict=True):
            assert a.tobytes() == b.tobytes()


def test_the_filter_of_a_run_goes_on_whatever_is_given(problem, H):
    plain, filtered = (solver.solve(problem, H, 10 * DT, dt=DT, filter=f) for f in (None, RAW()))
    straight = solver.solve(problem, H, 20 * DT, dt=DT)
    for part, other in ((plain, RAW()), (filtered, None), (filtered, RAW(0.9))):
        rest = solver.solve(problem, None, 20 * DT, resume=part, filter=other)
        assert rest.filter == part.filter
        assert (rest.final.tobytes() == straight.final.tobytes()) == (part is plain)


def test_a_solution_names_its_filter(problem, H):
    assert "RAW(nu=0.2, alpha=0.53)" in repr(solver.solve(problem, H, 4.0, dt=DT, filter=RAW()))
    assert "no filter" in repr(solver.solve(problem, H, 4.0, dt=DT))


@BACKENDS
def test_a_held_wall_is_not_moved(backend, rng):
    sides = Sides(Dirichlet(rng.normal(size=5)), "no-flux", Dirichlet(0.5), Dirichlet(-0.5))
    problem = DiffusionAdvection(Grid((6, 5), boundary=sides), (0.2, 0.1), (0.1, 0.1))
    s = solver.solve(problem, rng.normal(size=(6, 5)), 10.0, dt=0.2, filter=RAW(1.0, 1.0), backend=backend)
    np.testing.assert_array_equal(s.final[0], s.fields[0, 0])
    np.testing.assert_array_equal(s.final[:, 0], s.fields[0, :, 0])
    np.testing.assert_array_equal(s.levels.old[0], s.fields[0, 0])


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: RAW(nu=0.0), ValueError, r"`nu` is 0\.0: it takes a positive finite number"),
        (lambda: RAW(nu=-0.1), ValueError, r"`nu` is -0\.1"),
        (lambda: RAW(nu=1.5), ValueError, r"`nu` is 1\.5: it takes a strength 0 < nu <= 1"),
        (lambda: RAW(nu=math.nan), ValueError, r"`nu` is nan"),
        (lambda: RAW(nu="weak"), TypeError, r"`nu` is 'weak'"),
        (lambda: RAW(alpha=0.49), ValueError, r"`alpha` is 0\.49: it takes a share from 1/2 to 1"),
        (lambda: RAW(alpha=1.01), ValueError, r"`alpha` is 1\.01: it takes a share from 1/2 to 1"),
        (lambda: RAW(alpha=None), TypeError, r"`alpha` is None"),
    ],
)
def test_errors_of_the_filter(build, error, message):
    with pytest.raises(error, match=message):
        build()


@pytest.mark.parametrize("value", ["raw", 0.2, Filter(0.2)])
def test_a_solve_takes_a_filter_or_none(problem, H, value):
    with pytest.raises(TypeError, match=r"`filter` is a \w+: it takes solver\.RAW\(nu, alpha\), or None"):
        solver.solve(problem, H, 4.0, filter=value)


def test_a_filter_of_numpy_numbers_can_be_saved(tmp_path):
    problem = DiffusionAdvection(Grid((4, 3)), (0.0, 0.0), (0.1, 0.1))
    raw = RAW(np.float32(0.25), np.float64(0.625))
    saved = solver.solve(problem, np.ones((4, 3)), 1.0, filter=raw).save(tmp_path / "run")
    assert Solution.load(saved).filter == RAW(0.25, 0.625)
