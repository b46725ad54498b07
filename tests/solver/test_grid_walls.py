"""Where the walls lie: lengths, `Grid.spanning`, and a saved run that remembers them."""

import numpy as np
import pytest
from scheme_kinds import AXES

import solver
from solver import DiffusionAdvection, Dirichlet, Grid, Sides, Solution

HALF = {"periodic": 0.0, "no-flux": 0.5, "dirichlet": 0.0}


def sides_of(x, y):
    north, south, west, east = (Dirichlet(0.0) if kind == "dirichlet" else kind for kind in (*x, *y))
    return Sides(north, south, west, east)


@pytest.mark.parametrize("y", AXES, ids="-".join)
@pytest.mark.parametrize("x", AXES, ids="-".join)
def test_spanning_puts_the_walls_where_it_says(x, y):
    grid = Grid.spanning((7, 6), (3.0, 0.7), sides_of(x, y), start=(-1.0, 2.0))
    assert grid.lengths == pytest.approx((3.0, 0.7), rel=1e-14)
    for points, spacing, (first, last), start, length in (
        (grid.x, grid.spacing[0], x, -1.0, 3.0),
        (grid.y, grid.spacing[1], y, 2.0, 0.7),
    ):
        # A Dirichlet wall is on the outermost node; a no-flux wall half a spacing beyond the outermost cell; a period
        # leads from the first cell to its copy beyond the last.
        assert points[0] - HALF[first] * spacing == pytest.approx(start, abs=1e-14)
        reach = spacing if last == "periodic" else HALF[last] * spacing
        assert points[-1] + reach == pytest.approx(start + length, rel=1e-14)


@pytest.mark.parametrize(
    ("boundary", "lengths"),
    [
        ("periodic", (2.5, 8.0)),
        ("no-flux", (2.5, 8.0)),
        (Dirichlet(0.0), (2.0, 6.0)),
        (Sides("no-flux", Dirichlet(0.0), Dirichlet(0.0), "no-flux"), (2.25, 7.0)),
    ],
)
def test_the_lengths_are_between_the_walls(boundary, lengths):
    assert Grid((5, 4), (0.5, 2.0), boundary).lengths == lengths


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (((4, 4), 1.0), TypeError, r"`lengths` is 1\.0: it takes a pair"),
        (((4, 4), (1.0, "b")), TypeError, r"`lengths` holds 'b': it takes real numbers"),
        (((4, 4), (1.0, 0.0)), ValueError, r"`lengths` .*two positive finite lengths"),
        (((4, 4), (-1.0, 1.0)), ValueError, r"`lengths` .*two positive finite lengths"),
        (((4, 4), (np.inf, 1.0)), ValueError, r"`lengths` .*two positive finite lengths"),
        (((4, 4), (1.0, 1.0), "no-flux", 0.0), TypeError, r"`start` is 0\.0: it takes a pair"),
        (((4, 4), (1.0, 1.0), "no-flux", ("a", 0.0)), TypeError, r"`start` holds 'a': it takes real numbers"),
        (((4, 4), (1.0, 1.0), "no-flux", (np.nan, 0.0)), ValueError, r"`start` .*two finite coordinates"),
        (((2, 4), (1.0, 1.0), Dirichlet(0.0)), ValueError, r"`shape` has 2 rows, of which 2 would lie on"),
        (((4, 4), (1.0, 1.0), "walls"), ValueError, r"`boundary` is 'walls'"),
    ],
)
def test_errors_of_spanning(arguments, error, message):
    with pytest.raises(error, match=message):
        Grid.spanning(*arguments)


def test_a_saved_run_remembers_its_walls(tmp_path, rng):
    sides = Sides(Dirichlet(rng.normal(size=(2, 5))), "no-flux", Dirichlet([0.5]), Dirichlet(-1 / 3))
    problem = DiffusionAdvection(Grid.spanning((4, 5), (2.0, 3.0), sides), (0.1, -0.2), (0.2, 0.1))
    half = solver.solve(problem, rng.normal(size=(4, 5)), 2.0, dt=0.1)
    loaded = Solution.load(half.save(tmp_path / "walls"))
    assert loaded.grid == problem.grid
    assert repr(loaded.grid) == repr(problem.grid)
    straight = solver.solve(problem, half.fields[0], 3.0, dt=0.1)
    np.testing.assert_array_equal(solver.solve(problem, None, 3.0, resume=loaded).final, straight.final)
    other = DiffusionAdvection(Grid.spanning((4, 5), (2.0, 3.0), Dirichlet(0.0)), (0.1, -0.2), (0.2, 0.1))
    with pytest.raises(ValueError, match=r"`problem` is on .*, but the run to resume is on"):
        solver.solve(other, None, 3.0, resume=loaded)
