"""What the criterion and the chosen dt promise, over random constant coefficients, grids and boundaries."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scheme_cases import seeds
from scheme_kinds import AXES, FORMS

import solver
from solver import DiffusionAdvection, Dirichlet, Grid, Sides, amplification, backends, spectral_radius, stability
from solver.amplification import roots
from solver.planning import make_plan
from solver.records import Levels

PERIOD, MIRROR, HELD = AXES[:3]
velocities = st.one_of(st.just(0.0), st.floats(0.01, 3.0), st.floats(-3.0, -0.01))
diffusivities = st.one_of(st.just((0.0, 0.0)), st.tuples(st.floats(0.01, 3.0), st.floats(0.01, 3.0)))


def sides_of(kinds):
    return Sides(*(Dirichlet(0.0) if kind == "dirichlet" else kind for kind in kinds))


@st.composite
def constant_problems(draw, x=(PERIOD,), y=(PERIOD,)):
    """Draw a problem without source whose coefficients are numbers; no flow leads across a no-flux wall."""
    kinds = (*draw(st.sampled_from(x)), *draw(st.sampled_from(y)))
    shape = draw(st.tuples(st.integers(4, 12), st.integers(4, 12)))
    spacing = draw(st.tuples(st.floats(0.3, 3.0), st.floats(0.3, 3.0)))
    u, v = (0.0 if ends == MIRROR else draw(velocities) for ends in (kinds[:2], kinds[2:]))
    forms = dict(zip(("advection", "diffusion"), draw(st.sampled_from(FORMS)), strict=True))
    return DiffusionAdvection(Grid(shape, spacing, sides_of(kinds)), (u, v), draw(diffusivities), **forms)


def numbers(problem, dt):
    m = stability.mesh_numbers(problem, dt)
    return tuple(float(np.max(n)) if np.max(n) > 0 else float(np.min(n)) for n in (m.A_x, m.A_y, m.B_x, m.B_y))


def worst_root(A_x, A_y, B_x, B_y):
    """Largest modulus over all angles, and along the ray on which long waves grow first where there is diffusion.

    Near zero angles the criterion reads 1 - (w_x a^2 + w_y b^2) + (A_x a + A_y b)^2 <= 1; the quotient of the squares
    is largest, c^2, along (A_x / w_x, A_y / w_y). Without diffusion the worst angles are right ones, on the grid.
    """
    largest = amplification(A_x, A_y, B_x, B_y, angles=64).largest
    if B_x > 0 and B_y > 0 and (A_x or A_y):
        direction = np.array([A_x / B_x, A_y / B_y])
        ray = np.geomspace(1e-3, 1.0, 400)[:, None] * direction / np.abs(direction).max()
        largest = max(largest, float(np.abs(roots(A_x, A_y, B_x, B_y, ray[:, 0], ray[:, 1])).max()))
    return largest


def growth(problem, dt, seed, steps):
    """Norm of the two levels after so many steps from noise, over that at the beginning."""
    noise = np.random.default_rng(seed).standard_normal((2, *problem.grid.shape))
    begin = Levels(*(solver.walls.on_walls(level, problem.grid.sides, problem.grid.shape) for level in noise))
    end = backends.get("cpu").forward(begin, problem.held(np.float64), problem.mesh(dt), steps)
    return np.linalg.norm(end) / np.linalg.norm(begin)


def beating(problem, dt, share):
    """Bound of the growth of a stable run, however long: a mode of two roots g, g' can beat up to 1/|g - g'|.

    That is 1/sqrt(1 - c^2) at stability number c; and 1 + B where the roots of pure diffusion meet, at 1 - 1/(2B).
    """
    _, _, B_x, B_y = numbers(problem, dt)
    return 12 * (1 + B_x + B_y) / math.sqrt(1 - share**2)


@given(problem=constant_problems(), share=st.floats(0.1, 0.98), seed=seeds)
def test_stable_by_the_criterion_means_no_growth_on_the_periodic_plane(problem, share, seed):
    dt = share * min(stability.largest_stable_dt(problem), 10.0)
    assume(dt > 0)
    assert max(growth(problem, dt, seed, steps) for steps in (10, 100, 1000, 5000)) < beating(problem, dt, share)
    assert spectral_radius(problem, dt) <= 1 + 1e-6


@given(
    problem=constant_problems(x=(HELD, MIRROR, PERIOD), y=(HELD, MIRROR)),
    share=st.floats(0.1, 0.98),
    seed=seeds,
)
def test_stable_by_the_criterion_means_no_growth_between_walls(problem, share, seed):
    dt = share * min(stability.largest_stable_dt(problem), 10.0)
    assume(dt > 0)
    assert max(growth(problem, dt, seed, steps) for steps in (10, 100, 1000, 5000)) < beating(problem, dt, share)
    assert spectral_radius(problem, dt) <= 1 + 1e-6


@given(problem=constant_problems())
def test_the_largest_stable_dt_is_stable_and_five_per_cent_more_is_not(problem):
    dt = stability.largest_stable_dt(problem)
    assume(0 < dt < math.inf)
    assert stability.judge(problem, dt).stable
    assert worst_root(*numbers(problem, dt)) <= 1 + 1e-7
    assert not stability.judge(problem, 1.05 * dt).stable
    assert worst_root(*numbers(problem, 1.05 * dt)) > 1 + 1e-7


@given(problem=constant_problems(), share=st.one_of(st.floats(0.05, 0.999), st.floats(1.03, 3.0)))
def test_the_criterion_is_exact(problem, share):
    dt = stability.largest_stable_dt(problem)
    assume(0 < dt < math.inf)
    assert (worst_root(*numbers(problem, share * dt)) > 1 + 1e-7) == (share > 1)


@given(A_x=st.floats(0.01, 1.0), A_y=st.floats(0.01, 1.0), B=st.floats(0.01, 2.0), across=st.sampled_from(["x", "y"]))
def test_one_zero_diffusivity_across_a_flow_grows_at_any_dt(A_x, A_y, B, across):
    B_x, B_y = (0.0, B) if across == "x" else (B, 0.0)
    problem = DiffusionAdvection(Grid((4, 4)), (A_x, A_y), (B_x, B_y))
    assert stability.largest_stable_dt(problem) == 0
    for dt in (1.0, 0.1):
        assert amplification(A_x * dt, A_y * dt, B_x * dt, B_y * dt, angles=256).largest > 1 + 1e-9


@st.composite
def runs(draw):
    """Draw any problem that has a stable dt, steady or not, and how long it runs."""
    kinds = (*draw(st.sampled_from(AXES)), *draw(st.sampled_from(AXES)))
    shape, rng = (5, 4), np.random.default_rng(draw(seeds))
    spacing = draw(st.tuples(st.floats(0.5, 2.0), st.floats(0.5, 2.0)))
    speed, diffusive = draw(st.sampled_from([0.0, 0.01, 1.0])), draw(st.sampled_from([0.0, 0.1, 1.0]))
    u, v = speed * rng.uniform(-1, 1, (2, *shape))
    D = diffusive * rng.uniform(0.3, 1.0, (2, *shape))
    forms = dict(zip(("advection", "diffusion"), draw(st.sampled_from(FORMS)), strict=True))
    velocity = draw(st.sampled_from([(u, v), lambda t: (u * np.cos(t), v)]))
    problem = DiffusionAdvection(Grid(shape, spacing, sides_of(kinds)), velocity, tuple(D), **forms)
    return problem, draw(st.floats(1e-3, 10.0))


@given(run=runs())
def test_the_chosen_dt_never_warns(run):
    """Neither of stability nor of consistency, for long and for short runs."""
    problem, t_end = run
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        s = solver.solve(problem, np.zeros(problem.grid.shape), t_end)
    assert s.status is solver.Status.FINISHED
    assert s.time == pytest.approx(t_end, rel=1e-12)
    assert s.tau <= stability.SMALL_TAU * t_end * (1 + 1e-9)


@given(run=runs(), factor=st.floats(1.001, 50.0))
@example(run=(DiffusionAdvection(Grid((4, 4)), (0.0, 0.0), (1.0, 1.0)), 1.0), factor=2.0)
def test_a_coarser_dt_warns_exactly_where_a_promise_is_broken(run, factor):
    problem, t_end = run
    steps = max(1, int(make_plan(problem, t_end, None, None).last / factor))
    dt = t_end / steps
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        s = solver.solve(problem, np.zeros(problem.grid.shape), t_end, dt=dt, start="copy")
    kinds = {w.category for w in caught}
    assert (solver.ConsistencyWarning in kinds) == (s.tau > stability.SMALL_TAU * t_end)
    assert (solver.StabilityWarning in kinds) == (not s.stability_number < 1)
