"""Grid: coordinates, periods, immutability, and every error."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from solver import Grid


def test_x_is_the_row_axis_and_y_the_column_axis():
    grid = Grid((3, 4), (0.5, 2.0), origin=(-1.0, 10.0))
    np.testing.assert_array_equal(grid.x, [-1.0, -0.5, 0.0])
    np.testing.assert_array_equal(grid.y, [10.0, 12.0, 14.0, 16.0])
    X, Y = grid.mesh()
    assert X.shape == Y.shape == (3, 4)
    assert X.dtype == Y.dtype == np.float64
    np.testing.assert_array_equal(X[:, 0], grid.x)
    np.testing.assert_array_equal(Y[0], grid.y)
    assert np.ptp(X, axis=1).max() == np.ptp(Y, axis=0).max() == 0


def test_the_period_counts_every_cell_once():
    assert Grid((3, 4), (0.5, 2.0)).lengths == (1.5, 8.0)


def test_defaults_and_normal_form():
    grid = Grid([np.int64(3), 4], spacing=np.array([1, 2]))
    assert grid == Grid((3, 4), (1.0, 2.0), "periodic", (0.0, 0.0))
    assert hash(grid) == hash(Grid((3, 4), (1.0, 2.0)))
    assert [type(n) for n in (*grid.shape, *grid.spacing)] == [int, int, float, float]
    assert Grid((3, 4)) != Grid((4, 3))


@pytest.mark.parametrize("name", ["shape", "spacing", "boundary", "origin"])
def test_a_grid_cannot_be_changed(name):
    with pytest.raises(FrozenInstanceError):
        setattr(Grid((3, 4)), name, (1, 1))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"shape": 5}, TypeError, r"`shape` is 5: it takes two whole numbers"),
        ({"shape": (5,)}, TypeError, r"`shape` is \(5,\): it takes two whole numbers"),
        ({"shape": (5, 4, 3)}, TypeError, r"`shape` is \(5, 4, 3\): it takes two whole numbers"),
        ({"shape": (5.0, 4)}, TypeError, r"`shape` is \(5.0, 4\): it takes two whole numbers"),
        ({"shape": ("a", "b")}, TypeError, r"`shape` .* two whole numbers"),
        ({"shape": (0, 4)}, ValueError, r"`shape` is \(0, 4\): it takes at least one row"),
        ({"shape": (4, -1)}, ValueError, r"`shape` is \(4, -1\): it takes at least one row"),
        ({"spacing": 1.0}, TypeError, r"`spacing` is 1.0: it takes a pair"),
        ({"spacing": (1.0, "b")}, TypeError, r"`spacing` holds 'b': it takes real numbers"),
        ({"spacing": (1.0, None)}, TypeError, r"`spacing` holds None: it takes real numbers"),
        ({"spacing": (0.0, 1.0)}, ValueError, r"`spacing` is \(0.0, 1.0\): it takes two positive finite"),
        ({"spacing": (1.0, -1.0)}, ValueError, r"`spacing` .* two positive finite"),
        ({"spacing": (1.0, np.inf)}, ValueError, r"`spacing` .* two positive finite"),
        ({"spacing": (np.nan, 1.0)}, ValueError, r"`spacing` .* two positive finite"),
        ({"origin": 0.0}, TypeError, r"`origin` is 0.0: it takes a pair"),
        ({"origin": (0.0, 1j)}, TypeError, r"`origin` holds 1j: it takes real numbers"),
        ({"origin": (0.0, np.nan)}, ValueError, r"`origin` is .*: it takes two finite coordinates"),
        ({"boundary": "walls"}, ValueError, r"`boundary` is 'walls': it takes 'periodic'"),
        ({"boundary": None}, TypeError, r"`boundary` is a NoneType: it takes 'periodic', 'no-flux' or Dirichlet"),
    ],
)
def test_errors_name_the_argument_and_what_it_takes(arguments, error, message):
    with pytest.raises(error, match=message):
        Grid(**({"shape": (3, 4)} | arguments))
