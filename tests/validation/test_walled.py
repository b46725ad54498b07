"""The limit between walls is found where it is, and the study would see a criterion that is too generous."""

import pytest

from validation.walled import BOUNDARIES, Walled, largest


def test_bisection_finds_where_stability_ends():
    assert largest(lambda x: x <= 1.2345, 4.0) == pytest.approx(1.2345, abs=1e-3)


def test_without_an_end_the_reach_is_returned():
    assert largest(lambda x: True, 4.0) == 4.0


@pytest.mark.parametrize("boundary", ["periodic", "Dirichlet", "no-flux along x"])
def test_a_limit_half_as_large_again_would_be_seen(boundary):
    case = Walled(boundary, (0.1, 0.1), (6, 5))
    assert case.radius(1.0) < 1 + 1e-9
    assert case.radius(2.0) > 1.01


def test_only_the_still_boundary_has_no_flow():
    assert [name for name in BOUNDARIES if not Walled(name, (0.1, 0.1), (6, 5)).flows] == ["no-flux, no flow"]
