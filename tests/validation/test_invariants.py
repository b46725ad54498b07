"""A broken invariant shows as a residual far above rounding."""

from dataclasses import replace

import numpy as np
import pytest

from solver import Sides
from validation import invariants
from validation.invariants import INVARIANTS, ROUNDING, budget_of, diffusion_sum, random_case, residual
from validation.variants import VARIANTS, Variant

PERIODIC = Variant("skew", "laplacian", "periodic")


@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda i: i.name)
@pytest.mark.parametrize("shape", [(7, 9), (3, 12)])
def test_the_invariant_holds_to_rounding_on_odd_and_flat_planes(invariant, shape):
    claimed = [variant for variant in VARIANTS if invariant.claimed(variant)]
    assert claimed
    for variant in claimed:
        assert invariant.residual(random_case(variant, seed=3, shape=shape)) < ROUNDING, variant


@pytest.mark.parametrize("name", ["u", "v", "Dx", "Dy", "f", "H"])
def test_the_residual_sees_one_coefficient_that_was_not_moved(name):
    case = random_case(PERIODIC)
    moved = case.moved(lambda a: np.roll(a, 1, axis=0), case.grid.sides)
    forgotten = replace(moved, **{name: getattr(case, name)})
    assert residual(forgotten.after(), np.roll(case.after(), 1, axis=0)) > 1e-4


def test_mirroring_without_turning_the_velocity_around_is_noticed(monkeypatch):
    monkeypatch.setattr(invariants, "replace", lambda case, **changes: case)
    assert invariants.mirror(random_case(PERIODIC)) > 1e-4


@pytest.mark.parametrize("boundary", ["dirichlet", "mixed"])
def test_mirroring_without_exchanging_the_walls_is_noticed(boundary, monkeypatch):
    case = random_case(Variant("flux", "flux", boundary))
    monkeypatch.setattr(invariants, "Sides", lambda **sides: case.grid.sides)
    assert invariants.mirror(case) > 1e-4


def test_a_velocity_mirrored_evenly_is_not_that_between_no_flux_walls(monkeypatch):
    case = random_case(Variant("skew", "flux", "no-flux"))
    periodic = replace(case, grid=replace(case.grid, boundary=Sides()))
    assert invariants.mirrored_plane(periodic) > 1e-4


def test_the_plain_sum_is_not_conserved_where_the_diffusivity_varies():
    for diffusion, least in (("laplacian", 1e-3), ("flux", 1e-6)):
        case = random_case(Variant("skew", diffusion, "no-flux"))
        plain = budget_of(replace(case, f=0 * case.f)).plain
        assert np.abs(plain - plain[0]).max() > least


def test_the_two_level_sum_is_not_conserved_by_the_laplacian_form():
    case = random_case(Variant("skew", "laplacian", "periodic"))
    assert invariants.two_level_conservation(case) > 1e-3


def test_the_diffusion_sum_of_a_constant_is_twice_that_of_its_mesh_numbers():
    case = random_case(PERIODIC)
    constant = replace(case, Dx=0 * case.H + 0.1, Dy=0 * case.H + 0.2)
    want = 2 * invariants.DT * (0.1 / 0.5**2 + 0.2 / 0.7**2)
    np.testing.assert_allclose(diffusion_sum(constant), want, rtol=1e-14)
