"""The measures of speed and decay: what they are of the equation, and what a run has of them."""

import numpy as np
import pytest

from solver.amplification import roots
from validation.dispersion import (
    Numbers,
    Waves,
    decay_ratio,
    exact_factor,
    measured_roots,
    nearest,
    scheme_factor,
    speed_ratio,
)

POINT = Numbers(0.4, -0.2, 0.1, 0.3)


@pytest.mark.parametrize("diagonal", [False, True])
def test_the_ratios_of_the_equation_itself_are_one(diagonal):
    waves = Waves(np.array([0.1, 0.7, 2.0]), diagonal)
    factor = exact_factor(POINT, waves)
    np.testing.assert_allclose(speed_ratio(factor, POINT, waves), 1, rtol=1e-12)
    np.testing.assert_allclose(decay_ratio(factor, POINT, waves), 1, rtol=1e-12)


@pytest.mark.parametrize("diagonal", [False, True])
@pytest.mark.parametrize("waves", [1, 3, 5])
def test_a_run_shows_both_roots_of_its_wave(waves, diagonal):
    angle = 2 * np.pi * waves / 12
    want = roots(*POINT, angle, angle if diagonal else 0.0)
    found = measured_roots(POINT, 12, waves, diagonal)
    assert abs(nearest(found, want[0]) - want[0]) < 1e-12
    assert abs(nearest(found, want[1]) - want[1]) < 1e-12
    assert abs(found[0] - found[1]) > 0.1


def test_the_factor_of_a_long_wave_tends_to_that_of_the_equation_with_the_step():
    """dt to 0 at fixed wave: all mesh numbers shrink together."""
    waves = Waves(np.array([0.05]))
    errors = []
    for shrink in (1, 10, 100):
        point = Numbers(*(n / shrink for n in POINT))
        errors.append(abs(scheme_factor(point, waves) - exact_factor(point, waves))[0])
    assert errors[0] > 5 * errors[1] > 25 * errors[2] > 0


def test_a_wrong_sign_of_the_flow_is_seen_in_the_speed():
    waves = Waves(np.array([0.3]))
    assert speed_ratio(scheme_factor(Numbers(-0.4, 0.2, 0.1, 0.3), waves), POINT, waves)[0] < 0
