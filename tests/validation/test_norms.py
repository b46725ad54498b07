"""Norms and masses are those of the plane, not of how it is divided."""

import numpy as np
import pytest

from solver import Dirichlet, Grid, Sides
from validation.norms import areas, relative_error

BOUNDARIES = {
    "periodic": "periodic",
    "no-flux": "no-flux",
    "dirichlet": Dirichlet(0.0),
    "mixed": Sides(north=Dirichlet(0.0), south="no-flux", west="periodic", east="periodic"),
}


@pytest.mark.parametrize("boundary", BOUNDARIES.values(), ids=BOUNDARIES)
def test_the_areas_add_up_to_that_of_the_plane(boundary):
    grid = Grid.spanning((7, 9), (1.4, 0.6), boundary)
    assert areas(grid).sum() == pytest.approx(1.4 * 0.6)


@pytest.mark.parametrize(("norm", "expected"), [(1, 0.25), (2, np.sqrt(1 / 4)), (np.inf, 1.0)])
def test_each_norm_of_an_error_on_a_quarter_of_the_plane(norm, expected):
    grid = Grid((4, 4))
    ones, wrong = np.ones((4, 4)), np.zeros((4, 4))
    wrong[:2, :2] = 1
    assert relative_error(ones + wrong, ones, grid, norm) == pytest.approx(expected)


def test_an_error_on_a_wall_counts_half():
    grid = Grid.spanning((5, 4), (1.0, 1.0), Sides(north=Dirichlet(1.0), south=Dirichlet(1.0)))
    ones = np.ones((5, 4))
    on_wall, inside = ones.copy(), ones.copy()
    on_wall[0] += 1
    inside[2] += 1
    assert relative_error(on_wall, ones, grid, 1) == pytest.approx(relative_error(inside, ones, grid, 1) / 2)
