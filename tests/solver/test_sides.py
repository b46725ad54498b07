"""Sides and Dirichlet: what they accept, say and refuse, and the record they keep."""

import json

import numpy as np
import pytest

from solver import Dirichlet, Grid, Sides

WALLS = Sides("no-flux", Dirichlet(2.0), "periodic", "periodic")


def test_one_kind_is_that_of_all_four_sides():
    assert Sides.of("no-flux") == Sides(north="no-flux", south="no-flux", west="no-flux", east="no-flux")
    assert Sides.of(Dirichlet(1.0)).kinds == ("dirichlet",) * 4
    assert Sides.of(WALLS) is WALLS
    assert Sides().kinds == ("periodic",) * 4


def test_the_kinds_come_in_the_order_north_south_west_east():
    sides = Sides(north="no-flux", south=Dirichlet(1.0), west=Dirichlet(2.0), east="no-flux")
    assert sides.kinds == ("no-flux", "dirichlet", "dirichlet", "no-flux")
    assert [name for name, _ in sides.items()] == ["north", "south", "west", "east"]


def test_walls_of_equal_values_are_equal():
    assert Dirichlet([1.0, 2.0]) == Dirichlet(np.array([1.0, 2.0]))
    assert Dirichlet(1.0) != Dirichlet(2.0)
    assert Dirichlet(1.0) != "no-flux"
    for one, same in ((1, 1.0), (0.0, -0.0), ([1, 2], np.array([1.0, 2.0]))):
        assert Dirichlet(one) == Dirichlet(same)
        assert hash(Dirichlet(one)) == hash(Dirichlet(same))
    a, b = (Grid((3, 4), boundary=Dirichlet(1)), Grid((3, 4), boundary=Dirichlet(1.0)))
    assert a == b
    assert hash(a) == hash(b)
    assert a != Grid((3, 4), boundary=Dirichlet(1.5))


@pytest.mark.parametrize(
    ("boundary", "said"),
    [
        ("periodic", "periodic cells"),
        ("no-flux", "no-flux wall on the outer face of the edge cells"),
        (Dirichlet(0.25), "Dirichlet wall on the edge nodes, H = 0.25"),
    ],
)
def test_the_description_says_whether_cells_or_nodes_carry_the_boundary(boundary, said):
    assert repr(Sides.of(boundary)) == said
    assert f"boundary={said}" in repr(Grid((3, 4), boundary=boundary))


def test_the_description_of_a_mix_goes_side_by_side():
    text = repr(Sides(north="no-flux", south=Dirichlet(2.0), west=Dirichlet([1.0, 5.0, 3.0]), east="no-flux"))
    for part in ("north no-flux wall", "south Dirichlet wall", "H = 2,", "west Dirichlet wall", "H = 1 to 5"):
        assert part in text


def test_values_are_copied_and_frozen():
    value = np.arange(4.0)
    grid = Grid((3, 4), boundary=Sides(north=Dirichlet(value), south="no-flux"))
    value[:] = 7
    kept = grid.sides.north.value
    np.testing.assert_array_equal(kept, [0, 1, 2, 3])
    with pytest.raises(ValueError, match="read-only"):
        kept[0] = 1


@pytest.mark.parametrize(
    "boundary",
    [
        "periodic",
        "no-flux",
        Dirichlet(0.1),
        Sides("no-flux", Dirichlet(np.array([0.1, 1 / 3, -1e-300, 2e300])), Dirichlet([[1], [2]]), Dirichlet(-0.0)),
    ],
)
def test_a_record_read_back_from_json_is_the_same_to_the_bit(boundary):
    grid = Grid((3, 4), (0.1, 1 / 3), boundary, (1e-17, -5.0))
    again = Grid.from_record(json.loads(json.dumps(grid.record())))
    assert again == grid
    assert hash(again) == hash(grid)
    assert repr(again) == repr(grid)


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: Sides(north=3), TypeError, r"`boundary` north is a int: it takes 'periodic', 'no-flux' or Dirichlet"),
        (lambda: Sides(east=None), TypeError, r"`boundary` east is a NoneType"),
        (lambda: Sides(south="wall"), ValueError, r"`boundary` south is 'wall': it takes 'periodic', 'no-flux' or Dir"),
        (
            lambda: Sides(north="no-flux"),
            ValueError,
            r"`boundary` south is 'periodic', but north is not: .*give south 'no-flux' or Dirichlet\(value\)",
        ),
        (lambda: Sides(south=Dirichlet(0)), ValueError, r"`boundary` north is 'periodic', but south is not"),
        (lambda: Sides(west="no-flux"), ValueError, r"`boundary` east is 'periodic', but west is not"),
        (lambda: Sides(east=Dirichlet(0)), ValueError, r"`boundary` west is 'periodic', but east is not"),
        (lambda: Grid((3, 4), boundary=3), TypeError, r"`boundary` is a int: it takes .* or Sides\(\.\.\.\)"),
        (lambda: Grid((3, 4), boundary="walls"), ValueError, r"`boundary` is 'walls': it takes .* or Sides\(\.\.\.\)"),
    ],
)
def test_errors_of_the_sides(build, error, message):
    with pytest.raises(error, match=message):
        build()


@pytest.mark.parametrize(
    ("side", "value", "error", "message"),
    [
        ("north", np.ones(3), ValueError, r"`boundary` north has values of shape \(3,\): it takes a number or .*, 4\)"),
        ("south", np.ones((2, 3)), ValueError, r"`boundary` south has values of shape \(2, 3\)"),
        ("west", np.ones(4), ValueError, r"`boundary` west has values of shape \(4,\): it takes a number or .*, 3\)"),
        ("east", np.ones((3, 2)), ValueError, r"`boundary` east has values of shape \(3, 2\)"),
        ("north", "hot", TypeError, r"`boundary` north has dtype <U3: it takes real numbers"),
        ("east", 1j, TypeError, r"`boundary` east has dtype complex128"),
        ("west", None, TypeError, r"`boundary` west has dtype object"),
        ("west", [[1.0, 2.0], [3.0]], TypeError, r"`boundary` west "),
        ("south", np.nan, ValueError, r"`boundary` south has values that are not finite: it takes finite values"),
        ("east", [0.0, np.inf, 0.0], ValueError, r"`boundary` east has values that are not finite"),
    ],
)
def test_errors_of_the_values(side, value, error, message):
    opposite = {"north": "south", "south": "north", "west": "east", "east": "west"}[side]
    sides = Sides(**{side: Dirichlet(value), opposite: "no-flux"})
    with pytest.raises(error, match=message):
        Grid((3, 4), boundary=sides)


@pytest.mark.parametrize(
    ("shape", "boundary", "message"),
    [
        ((2, 4), Dirichlet(0), r"`shape` has 2 rows, of which 2 would lie on Dirichlet walls: .* at least 3 rows"),
        (
            (4, 2),
            Dirichlet(0),
            r"`shape` has 2 columns, of which 2 would lie on .* at least 3 columns",
        ),
        ((1, 4), Sides("no-flux", Dirichlet(0)), r"`shape` has 1 rows, of which 1 would lie .* at least 2 rows"),
        ((4, 1), Sides(west=Dirichlet(0), east="no-flux"), r"`shape` has 1 columns, of which 1 .* at least 2 columns"),
    ],
)
def test_a_plane_of_walls_alone_is_refused(shape, boundary, message):
    with pytest.raises(ValueError, match=message):
        Grid(shape, boundary=boundary)
    assert Grid((3, 3), boundary=boundary).shape == (3, 3)
