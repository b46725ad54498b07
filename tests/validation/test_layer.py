"""The boundary layers: exact solutions of the equation, exact solutions of its differences."""

import numpy as np
import pytest

from validation.problems import BoundaryLayer, CornerLayer
from validation.studies.layer import NODES, settle


def test_the_layer_satisfies_the_equation_and_its_walls():
    layer = BoundaryLayer(rows=2001, diffusivity=0.1)
    H, dx = layer.exact(0.0)[:, 1], layer.grid.spacing[0]
    slope, curvature = (H[2:] - H[:-2]) / (2 * dx), (H[2:] - 2 * H[1:-1] + H[:-2]) / dx**2
    np.testing.assert_allclose(layer.speed * slope, layer.diffusivity * curvature, atol=1e-4 * slope.max())
    assert (H[0], H[-1]) == (0.0, 1.0)


@pytest.mark.parametrize("rows", [6, 11, 12, 41])
def test_the_discrete_layer_satisfies_the_central_differences(rows):
    layer = BoundaryLayer(rows=rows)
    H, dx = layer.discrete()[:, 0], layer.grid.spacing[0]
    advection = layer.speed * (H[2:] - H[:-2]) / (2 * dx)
    diffusion = layer.diffusivity * (H[2:] - 2 * H[1:-1] + H[:-2]) / dx**2
    np.testing.assert_allclose(advection, diffusion, atol=1e-11)
    assert (H[0], H[-1]) == pytest.approx((0.0, 1.0))


@pytest.mark.parametrize(("rows", "oscillates"), [(41, False), (21, False), (11, False), (9, True), (6, True)])
def test_the_discrete_layer_oscillates_where_the_cell_peclet_number_is_above_two(rows, oscillates):
    layer = BoundaryLayer(rows=rows)
    assert bool(layer.peclet > 2 * (1 + 1e-12)) is oscillates
    steps = np.diff(layer.discrete()[:, 0])
    assert bool(steps.min() < -1e-9) is oscillates


def test_a_layer_far_thinner_than_a_cell_does_not_overflow():
    layer = BoundaryLayer(rows=41, diffusivity=1e-6)
    assert np.isfinite(layer.exact(0.0)).all()
    assert np.isfinite(layer.discrete()).all()


@pytest.mark.parametrize("rows", NODES)
def test_the_scheme_settles_to_the_discrete_layer_from_nothing(rows):
    assert settle(BoundaryLayer(rows=rows)).from_discrete < 1e-8


def test_the_corner_layer_is_what_its_walls_hold():
    corner = CornerLayer(rows=21, columns=17)
    H, sides = corner.exact(0.0), corner.grid.sides
    for edge, side in ((H[0], sides.north), (H[-1], sides.south), (H[:, 0], sides.west), (H[:, -1], sides.east)):
        np.testing.assert_allclose(edge, np.broadcast_to(side.value, edge.shape), atol=1e-15)
    assert np.ptp(sides.south.value) == np.ptp(sides.east.value) == 1.0
