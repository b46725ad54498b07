"""A broken invariant shows as a residual far above rounding."""

from dataclasses import replace

import numpy as np
import pytest

from validation import invariants
from validation.invariants import INVARIANTS, ROUNDING, random_case, residual


@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda i: i.name)
@pytest.mark.parametrize("shape", [(24, 20), (7, 9), (1, 12)])
def test_the_invariant_holds_to_rounding_on_even_odd_and_flat_planes(invariant, shape):
    assert invariant.residual(random_case(seed=3, shape=shape)) < ROUNDING


@pytest.mark.parametrize("name", ["u", "v", "Dx", "Dy", "f", "H"])
def test_the_residual_sees_one_coefficient_that_was_not_moved(name):
    case = random_case()
    moved = case.moved(lambda a: np.roll(a, 1, axis=0))
    forgotten = replace(moved, **{name: getattr(case, name)})
    assert residual(forgotten.after(), np.roll(case.after(), 1, axis=0)) > 1e-4


def test_mirroring_without_turning_the_velocity_around_is_noticed(monkeypatch):
    monkeypatch.setattr(invariants, "replace", lambda case, **changes: case)
    assert invariants.mirror(random_case()) > 1e-4


def test_conservation_fails_where_the_diffusivity_varies():
    assert invariants.conservation_with_variable_diffusivity(random_case()) > 1e-3
