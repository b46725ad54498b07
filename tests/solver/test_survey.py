"""The verdict's one pass over the fields against the arrays of mesh numbers that NumPy makes."""

import copy

import numpy as np
import pytest

from solver import RAW, DiffusionAdvection, Dirichlet, Grid, Sides, planning, solve
from solver.cpu.survey import Survey
from solver.cpu.threads import ENOUGH
from solver.records import ADVECTION
from solver.stability import (
    MARGIN,
    judge,
    largest_consistent_dt,
    largest_stable_dt,
    mesh_numbers,
    stability_of,
    survey_of,
    telegraph_tau,
)

SIDES = {
    "periodic": "periodic",
    "no-flux": "no-flux",
    "walls": Dirichlet(0.0),
    "mixed": Sides(north="no-flux", south=Dirichlet(1.0), west="periodic", east="periodic"),
}
SHAPES = [(1, 1), (1, 5), (5, 1), (3, 3), (7, 12), (64, 33)]


def random_problem(rng, shape, boundary, advection, batch=(), dtype=np.float64):
    def field(low):
        values = rng.uniform(low, 1.0, (*batch, *shape)).astype(dtype)
        values[rng.random(values.shape) < 0.2] = 0.0  # cells without flow or diffusion follow other rules
        return values

    diffusion = "laplacian" if advection == "product" else "flux"
    grid = Grid(shape, spacing=(0.5, 0.25), boundary=boundary)
    return DiffusionAdvection(
        grid, (field(-1.0), field(-1.0)), (field(0.0), field(0.0)), advection=advection, diffusion=diffusion
    )


def extremes(problem, dt, raw):
    """Return what a survey finds, from arrays."""
    m = mesh_numbers(problem, dt)
    shape = problem.batch + problem.grid.shape
    plain, B = stability_of(m.A_x, m.A_y, m.B_x, m.B_y), m.B_x + m.B_y
    number = plain
    if raw:
        number = np.maximum(np.where(plain == 0, 0.0, plain / raw.courant_limit), B / raw.diffusion_limit)
    number = np.broadcast_to(number, shape)
    cell = int(np.argmax(number))
    return (
        number.max(),
        (number / np.where(B > 0, 1.0, 1.0 - MARGIN)).max(),
        np.where(B > 0, plain, 0.0).max(),
        B.max(),
        (abs(m.A_x).max(), abs(m.A_y).max()),
        (m.B_x.max(), m.B_y.max()),
        cell,
        m.at(np.unravel_index(cell, shape), shape),
    )


def check(problem, dt, raw=None):
    found, want = survey_of(problem, dt, raw), extremes(problem, dt, raw)
    for name, a, b in zip(Survey._fields, found, want, strict=True):
        assert a == pytest.approx(b, rel=1e-15), name


@pytest.mark.parametrize("raw", [None, RAW()], ids=["plain", "filtered"])
@pytest.mark.parametrize("advection", ADVECTION)
@pytest.mark.parametrize(
    ("boundary", "shape"), [(b, s) for b in SIDES for s in SHAPES if min(s) > 2 or b in ("periodic", "no-flux")]
)
def test_a_survey_finds_what_the_arrays_hold(boundary, shape, advection, raw, rng):
    for batch in ((), (2, 3)):
        problem = random_problem(rng, shape, SIDES[boundary], advection, batch)
        check(problem, 0.1, raw)


@pytest.mark.parametrize("advection", ["product", "skew"])
@pytest.mark.parametrize("boundary", SIDES)
def test_fields_of_single_precision_are_surveyed_in_double(boundary, advection, rng):
    """And read as they are: what is found is what arrays of doubles hold, to the last digits of those."""
    problem = random_problem(rng, (7, 12), SIDES[boundary], advection, dtype=np.float32)
    assert problem.fields().u.dtype == np.float32
    check(problem, 0.1)


def test_fields_of_both_precisions_are_surveyed_in_double(rng):
    u, D = rng.uniform(-1, 1, (6, 7)).astype(np.float32), rng.uniform(0, 1, (6, 7))
    check(DiffusionAdvection(Grid((6, 7)), (u, 0.2), (D, D.astype(np.float32))), 0.2)


def test_scalars_and_shared_planes_are_surveyed_as_they_are(rng):
    grid = Grid((6, 7))
    u, D = rng.uniform(-1, 1, (3, 1, 1)), rng.uniform(0, 1, (6, 7))
    problem = DiffusionAdvection(grid, (u, 0.2), (D, 0.3))
    check(problem, 0.2)


def test_a_survey_shared_among_threads_finds_the_same(rng):
    shape = (ENOUGH // 600, 640)
    problem = random_problem(rng, shape, "periodic", "skew")
    check(problem, 0.1)


def test_of_equal_cells_the_first_is_named():
    problem = DiffusionAdvection(Grid((400, 400)), (0.25, 0.0), (0.1, 0.1))
    assert judge(problem, 1.0).cell == (0, 0)


def test_what_is_made_of_a_survey(rng):
    problem = random_problem(rng, (9, 8), "periodic", "product")
    number, excess, consistent, diffusion, *_ = extremes(problem, 1.0, None)
    assert largest_stable_dt(problem) == pytest.approx(1 / excess)
    assert telegraph_tau(problem, 0.5) == pytest.approx(0.25 * diffusion)
    assert largest_consistent_dt(problem) == pytest.approx(1 / max(12**0.5 * diffusion, consistent / 0.1))
    assert judge(problem, 0.5).number == pytest.approx(0.5 * number)


@pytest.mark.parametrize("raw", [None, RAW()], ids=["plain", "filtered"])
def test_the_survey_of_a_time_step_is_a_multiple_of_that_of_one(raw, rng):
    problem = random_problem(rng, (9, 8), "no-flux", "skew", (2,))
    scaled, found = survey_of(problem, 1.0, raw).scaled(0.3), survey_of(problem, 0.3, raw)
    for name, a, b in zip(Survey._fields, scaled, found, strict=True):
        assert a == pytest.approx(b, rel=1e-15), name


def test_a_problem_is_surveyed_and_hashed_once_for_all_its_runs(rng, monkeypatch):
    """For each filter; what a problem was found to be at one time is not taken for what it is at another."""
    problem = DiffusionAdvection(Grid((9, 8)), (rng.uniform(0, 0.1, (9, 8)), 0.1), (0.1, 0.2))
    calls = []
    monkeypatch.setattr(planning, "survey_of", lambda *of: calls.append(of) or survey_of(*of))
    H = rng.standard_normal((9, 8))
    begun = solve(problem, H, 0.2, dt=0.1)
    assert solve(problem, None, 0.4, resume=begun).problem == begun.problem == problem.digest()
    solve(problem, H, 0.2, dt=0.1, filter=RAW())
    assert [raw for _, _, raw in calls] == [None, RAW()]
    moving = DiffusionAdvection(problem.grid, lambda t: (0.1 + t, 0.2), (0.3, 0.3))
    digests = {moving.digest(), *(moving.at(t).digest() for t in (0.0, 1.0))}
    assert len(digests) == 3
    other = copy.deepcopy(problem)  # its arrays can be written
    other.velocity[0][:] = 0.05
    assert other.digest() != problem.digest()
