"""The manufactured problems vary everything, and their fields are what each kind of wall asks for."""

from itertools import product

import numpy as np
import pytest

from validation.problems import Manufactured
from validation.problems.profiles import profiles_for
from validation.problems.trigonometric import constant, cosine, sine

LENGTH = 1.3
ENDS = [("periodic", "periodic"), *product(("no-flux", "dirichlet"), repeat=2)]


def wall_of(ends, kind):
    """Coordinates of the ends of that kind."""
    return np.array([s for s, end in zip((0.0, LENGTH), ends, strict=True) if end == kind])


@pytest.mark.parametrize("ends", [ends for ends in ENDS if "no-flux" in ends])
def test_at_a_no_flux_wall_fields_are_even_and_the_velocity_across_it_odd(ends):
    profiles, wall = profiles_for(ends, LENGTH), wall_of(ends, "no-flux")
    for even in (profiles.steady, profiles.moving, profiles.along, profiles.diffusivity):
        for order in (1, 3, 5):
            np.testing.assert_allclose(even(wall, order), 0.0, atol=1e-9)
    for order in (0, 2, 4):
        np.testing.assert_allclose(profiles.across(wall, order), 0.0, atol=1e-9)


@pytest.mark.parametrize("ends", [ends for ends in ENDS if "dirichlet" in ends])
def test_on_a_dirichlet_wall_nothing_moves_and_the_flow_goes_through(ends):
    profiles, wall = profiles_for(ends, LENGTH), wall_of(ends, "dirichlet")
    np.testing.assert_allclose(profiles.moving(wall), 0.0, atol=1e-14)
    assert (np.abs(profiles.across(wall)) > 0.1).all()
    assert (np.abs(profiles.moving(wall, 1)) > 0.1).all()


def test_on_a_periodic_axis_every_derivative_is_the_same_at_both_ends():
    profiles, ends = profiles_for(("periodic", "periodic"), LENGTH), np.array([0.0, LENGTH])
    for part in (profiles.steady, profiles.moving, profiles.across, profiles.along, profiles.diffusivity):
        for order in range(4):
            first, last = part(ends, order)
            assert first == pytest.approx(last, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("ends", ENDS)
def test_every_profile_varies_and_the_diffusivity_stays_positive(ends):
    profiles, s = profiles_for(ends, LENGTH), np.linspace(0, LENGTH, 50)
    for part in (profiles.steady, profiles.moving, profiles.across, profiles.along, profiles.diffusivity):
        assert np.ptp(part(s)) > 0.1
    assert min(profiles.diffusivity(s).min(), profiles.along(s).min()) > 0.5


def test_the_source_changes_in_time_and_over_the_plane():
    problem = Manufactured().problem
    assert not problem.steady
    early, late = problem.at(0.1).fields().source, problem.at(0.3).fields().source
    assert np.abs(late - early).max() > 1
    assert min(np.ptp(early, axis=0).min(), np.ptp(early, axis=1).min()) > 0.1


def test_the_two_forms_of_the_diffusion_have_two_sources():
    laplacian, flux = (Manufactured(diffusion=form).problem.at(0.2).fields().source for form in ("laplacian", "flux"))
    assert np.abs(laplacian - flux).max() > 0.1


def test_dirichlet_walls_hold_what_the_solution_has_there_at_all_times():
    manufactured = Manufactured(walls=("dirichlet",) * 4)
    sides = manufactured.grid.sides
    for t in (0.0, 0.7):
        H = manufactured.exact(t)
        for edge, side in ((H[0], sides.north), (H[-1], sides.south), (H[:, 0], sides.west), (H[:, -1], sides.east)):
            np.testing.assert_allclose(edge, side.value, atol=1e-14)
            assert np.ptp(side.value) > 0.1


def test_a_derivative_of_a_sum_of_cosines_is_that_of_its_differences():
    f = constant(0.4) + cosine(1.2, 3.0, 0.7) + sine(-0.5, 1.1)
    s, h = np.linspace(0, 2, 9), 1e-4
    for order in range(3):
        slope = (f(s + h, order) - f(s - h, order)) / (2 * h)
        np.testing.assert_allclose(f(s, order + 1), slope, atol=1e-6)
    np.testing.assert_allclose(f(s), 0.4 + 1.2 * np.cos(3 * s + 0.7) - 0.5 * np.sin(1.1 * s))
    np.testing.assert_allclose(f.mirrored(2.0)(s), f(2.0 - s))
