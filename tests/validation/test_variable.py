"""The fields are what they are called, and the rates are those of runs."""

import numpy as np
import pytest

from solver import DiffusionAdvection, Grid, backends
from solver.records import Fields, Levels
from validation.variable import (
    FIELDS,
    alternating_rate,
    growth,
    proof,
    rate,
    rate_in_space,
    rough_problem,
    unmixed_share,
    velocity,
)

SHAPE = (8, 6)


def divergence(u, v):
    return np.roll(u, -1, 0) - np.roll(u, 1, 0) + np.roll(v, -1, 1) - np.roll(v, 1, 1)


@pytest.mark.parametrize("kind", FIELDS)
def test_every_flow_has_unit_speed(kind):
    u, v = velocity(kind, SHAPE, np.random.default_rng(0))
    assert np.mean(u**2 + v**2) == pytest.approx(1)


def test_one_flow_has_no_divergence_and_the_others_have():
    largest = {kind: np.abs(divergence(*velocity(kind, SHAPE, np.random.default_rng(0)))).max() for kind in FIELDS}
    assert largest.pop("solenoidal") < 1e-14
    assert min(largest.values()) > 1


def test_an_unknown_field_is_refused():
    with pytest.raises(ValueError, match=r"`kind` is 'smooth': it takes 'random', 'solenoidal'"):
        velocity("smooth", SHAPE, np.random.default_rng(0))


@pytest.mark.parametrize("advection", ["product", "skew"])
def test_the_rate_is_that_of_a_long_run_from_noise(advection):
    problem, dt, steps = rough_problem("random", advection, "laplacian", 1, SHAPE), 0.2, 400
    forward = backends.get("cpu").forward
    f = problem.fields(np.float64)
    fields = Fields(f.u, f.v, f.Dx, f.Dy, np.zeros(()))
    now, old = np.random.default_rng(0).standard_normal((2, *SHAPE))
    begun = forward(Levels(now, old), fields, problem.mesh(dt), steps)
    ended = forward(begun, fields, problem.mesh(dt), steps)
    # A pair of complex eigenvalues beats: the norm of both levels over many beats still has the slope.
    measured = np.log(np.linalg.norm(ended) / np.linalg.norm(begun)) / (steps * dt)
    assert measured == pytest.approx(rate(problem, dt), rel=0.03)


def test_the_rate_in_space_of_a_decaying_source_free_problem_is_that_of_the_mean():
    problem = DiffusionAdvection(Grid(SHAPE), (0.3, -0.2), (0.1, 0.2))
    assert rate_in_space(problem) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("advection", ["product", "skew", "flux"])
@pytest.mark.parametrize("kind", ["random", "compressive"])
def test_a_small_step_grows_as_the_equation_or_as_what_alternates(kind, advection):
    for seed in range(4):
        problem = rough_problem(kind, advection, "laplacian", seed, SHAPE)
        rates = rate_in_space(problem), alternating_rate(problem)
        assert rate(problem, 0.01) == pytest.approx(max(rates), rel=1e-3)
        if advection == "flux":  # no centre: nothing to turn around
            assert rates[0] == pytest.approx(rates[1])
        else:
            assert abs(rates[0] - rates[1]) > 1e-3


def test_what_alternates_in_the_product_form_grows_where_a_decaying_flow_diverges():
    """Noise times the checkerboard, alternating in time, outgrows the same noise: a start that a run can have."""
    problem, dt, steps = rough_problem("random", "product", "laplacian", 1, SHAPE), 0.02, 200
    f = problem.fields(np.float64)
    fields = Fields(f.u, f.v, f.Dx, f.Dy, np.zeros(()))
    checkerboard = (-1.0) ** np.add.outer(*(np.arange(n) for n in SHAPE))
    noise = np.random.default_rng(0).standard_normal(SHAPE)
    grown = []
    for now, old in ((noise, noise), (checkerboard * noise, -checkerboard * noise)):
        levels = backends.get("cpu").forward(Levels(now, old), fields, problem.mesh(dt), steps)
        grown.append(np.linalg.norm(levels.now))
    assert alternating_rate(problem) > rate_in_space(problem) + 0.1
    assert grown[1] > 1.5 * grown[0]


def test_cells_with_one_zero_diffusivity_are_counted():
    Dx = np.array([[0.0, 1.0], [0.0, 1.0]])
    Dy = np.array([[0.0, 0.0], [1.0, 1.0]])
    assert unmixed_share(DiffusionAdvection(Grid((2, 2)), (0, 0), (Dx, Dy))) == 0.5


def test_growth_is_the_mean_over_the_seeds():
    one, two, both = (growth("random", "flux", "laplacian", seeds, SHAPE) for seeds in ((0,), (1,), (0, 1)))
    assert both.near == pytest.approx((one.near + two.near) / 2)
    assert both.limit == pytest.approx((one.limit + two.limit) / 2)


def test_the_proof_would_not_survive_a_wrong_constant():
    """Twice the proven time step is not safe on all flows, so that the study can see a constant that is too large."""
    from solver import proven_number, spectral_radius

    found = []
    for seed in range(10):
        problem = rough_problem("solenoidal", "skew", "flux", seed, SHAPE)
        found.append(spectral_radius(problem, 3 / proven_number(problem, 1.0)))
        assert proof(seed, SHAPE).excess < 1e-9
    assert max(found) > 1.01
