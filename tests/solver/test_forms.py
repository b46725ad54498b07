"""The forms of advection and diffusion: how they are related, what they conserve, and that a problem knows its own."""

from dataclasses import replace

import numpy as np
import pytest
from scheme_kinds import AXES, BOUNDARIES, CONSERVING, FORMS, name

import solver
from solver import DiffusionAdvection, Dirichlet, Grid, Sides, stability
from solver.starting import tendency

SIDES = pytest.mark.parametrize("kinds", BOUNDARIES, ids=name)
SHAPE, SPACING = (6, 5), (0.9, 1.2)


@pytest.fixture
def make_problem(rng):
    """Random fields on a plane with the given sides."""
    u, v, f = rng.uniform(-0.3, 0.3, (3, *SHAPE))
    Dx, Dy = rng.uniform(0.1, 0.3, (2, *SHAPE))

    def make(kinds=("periodic",) * 4, velocity=(u, v), diffusivity=(Dx, Dy), source=f, **forms):
        sides = Sides(*(Dirichlet(0.4) if kind == "dirichlet" else kind for kind in kinds))
        return DiffusionAdvection(Grid(SHAPE, SPACING, sides), velocity, diffusivity, source, **forms)

    return make


def test_the_default_is_skew_advection_and_the_laplacian(make_problem):
    problem = make_problem()
    assert (problem.advection, problem.diffusion) == ("skew", "laplacian")
    assert "advection='skew', diffusion='laplacian'" in repr(problem)


@SIDES
def test_skew_is_the_mean_of_product_and_flux(make_problem, H, kinds):
    product, skew, flux = (tendency(make_problem(kinds, advection=a), H) for a in ("product", "skew", "flux"))
    np.testing.assert_allclose(skew, (product + flux) / 2, rtol=0, atol=1e-14)
    assert np.abs(product - flux).max() > 1e-3


@pytest.mark.parametrize("backend", ["numpy", "cpu"])
@SIDES
def test_a_step_is_the_mean_as_well(make_problem, H, rng, kinds, backend):
    """Only the numerators differ, and by a multiple of the share: H[k+1] of "skew" lies half-way."""
    old = rng.standard_normal(H.shape)
    steps = []
    for advection in ("product", "skew", "flux"):
        problem = make_problem(kinds, advection=advection)
        engine = solver.backends.get(backend)
        steps.append(engine.forward(solver.records.Levels(H, old), problem.held(float), problem.mesh(0.2), 1).now)
    np.testing.assert_allclose(steps[1], (steps[0] + steps[2]) / 2, rtol=0, atol=1e-14)


@pytest.mark.parametrize("start", ["heun", "euler", "copy"])
def test_all_forms_are_one_scheme_where_nothing_varies(make_problem, H, start):
    runs = []
    for advection, diffusion in FORMS:
        problem = make_problem(velocity=(0.3, -0.2), diffusivity=(0.2, 0.1), advection=advection, diffusion=diffusion)
        runs.append(solver.solve(problem, H, 10.0, dt=0.2, start=start).final)
    for run in runs[1:]:
        np.testing.assert_allclose(run, runs[0], rtol=0, atol=1e-13)


@SIDES
def test_the_forms_of_diffusion_agree_where_the_diffusivity_is_constant(make_problem, H, kinds):
    a, b = (
        solver.solve(make_problem(kinds, diffusivity=(0.2, 0.1), diffusion=d), H, 6.0, dt=0.2).final
        for d in ("laplacian", "flux")
    )
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-13)
    c, d = (solver.solve(make_problem(kinds, diffusion=d), H, 6.0, dt=0.2).final for d in ("laplacian", "flux"))
    assert np.abs(c - d).max() > 1e-3


@pytest.mark.parametrize("advection", ["product", "skew", "flux"])
@pytest.mark.parametrize("kinds", CONSERVING, ids=name)
def test_every_advection_conserves_the_sum(make_problem, H, kinds, advection):
    problem = make_problem(kinds, diffusivity=(0.2, 0.1), source=0.0, advection=advection)
    assert abs(tendency(problem, H).sum()) < 1e-13
    run = solver.solve(problem, H, 20.0, dt=0.2, save_at=[0.0, 5.0, 20.0])
    np.testing.assert_allclose(run.fields.sum(axis=(-2, -1)), H.sum(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("kinds", CONSERVING, ids=name)
def test_flux_diffusion_conserves_a_sum_of_two_levels(make_problem, H, kinds):
    """Sum (1 + b) H[k] + (1 - b) H[k-1]: the twin of H + tau H_t, which the telegraph equation conserves."""
    problem = make_problem(kinds, source=0.0, diffusion="flux")
    assert abs(tendency(problem, H).sum()) < 1e-13
    m = stability.mesh_numbers(problem, 0.2)
    b = 2 * (m.B_x + m.B_y)
    sums = []
    for steps in (1, 2, 5, 50):
        now, old = solver.solve(problem, H, 0.2 * steps if steps > 4 else 1.0, dt=0.2, save_at=[0.0]).levels
        sums.append(np.sum((1 + b) * now + (1 - b) * old))
    np.testing.assert_allclose(sums, sums[0], rtol=0, atol=1e-12)
    other = make_problem(kinds, source=0.0, diffusion="laplacian")
    assert abs(tendency(other, H).sum()) > 1e-2


@pytest.mark.parametrize("y", AXES, ids="-".join)
@pytest.mark.parametrize("x", AXES, ids="-".join)
def test_mesh_numbers_are_those_of_the_stencil(make_problem, x, y):
    """The velocity that carries the two neighbours, on average, and half the sum of the face diffusivities."""
    kinds, dt = (*x, *y), 0.2
    for advection, diffusion in FORMS:
        problem = make_problem(kinds, advection=advection, diffusion=diffusion)
        u, v, Dx, Dy, _ = problem.fields()
        s, d = {"product": 0.0, "skew": 0.5, "flux": 1.0}[advection], {"laplacian": 0.0, "flux": 0.5}[diffusion]
        m = stability.mesh_numbers(problem, dt)
        for got, field, axis, ends, share, sign, ratio in (
            (m.A_x, u, 0, x, s, -1, dt / 0.9),
            (m.A_y, v, 1, y, s, -1, dt / 1.2),
            (m.B_x, Dx, 0, x, d, 1, dt / 0.81),
            (m.B_y, Dy, 1, y, d, 1, dt / 1.44),
        ):
            width = [(1, 1) if n == axis else (0, 0) for n in range(2)]
            padded = np.pad(field, width, "wrap" if ends[0] == "periodic" else "edge")
            before, after = (np.take(padded, range(first, first + SHAPE[axis]), axis) for first in (0, 2))
            if ends[0] != "periodic" and sign < 0:
                np.swapaxes(before, 0, axis)[0] *= -1
                np.swapaxes(after, 0, axis)[-1] *= -1
            want = ratio * ((1 - share) * field + share * (before + after) / 2)
            for edge, kind in ((np.s_[0], kinds[0]), (np.s_[-1], kinds[1]), (np.s_[:, 0], kinds[2]),
                               (np.s_[:, -1], kinds[3])):  # fmt: skip
                if kind == "dirichlet":
                    want[edge] = 0
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-14)


def test_the_fingerprint_knows_the_forms_and_the_sides(make_problem):
    found = [make_problem(kinds, advection=a, diffusion=d).digest() for kinds in BOUNDARIES for a, d in FORMS]
    assert len(set(found)) == len(found)
    assert make_problem(BOUNDARIES[3]).digest() == make_problem(BOUNDARIES[3]).digest()


@pytest.mark.parametrize("other", [{"advection": "flux"}, {"diffusion": "flux"}], ids=str)
def test_another_form_does_not_pass_for_the_rest_of_a_run(make_problem, H, other):
    problem = make_problem()
    part = solver.solve(problem, H, 2.0, dt=0.2)
    with pytest.raises(ValueError, match="`problem` has other coefficients than the run to resume"):
        solver.solve(replace(problem, **other), None, 4.0, resume=part)


@pytest.mark.parametrize(
    ("forms", "message"),
    [
        ({"advection": "upwind"}, r"`advection` is 'upwind': it takes 'product', 'skew', 'flux'"),
        ({"diffusion": "cross"}, r"`diffusion` is 'cross': it takes 'laplacian', 'flux'"),
    ],
)
def test_an_unknown_form_is_refused(make_problem, forms, message):
    with pytest.raises(ValueError, match=message):
        make_problem(**forms)
