"""DiffusionAdvection: what it accepts, keeps, freezes and refuses."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from solver import DiffusionAdvection, Grid

GRID = Grid((3, 4))


def test_numbers_become_float64_and_float32_arrays_stay():
    problem = DiffusionAdvection(GRID, (1, np.ones((3, 4), np.float32)), (np.ones((3, 4), int), True))
    assert [c.dtype for c in problem.fields()] == [np.float64, np.float32, np.float64, np.float64, np.float64]
    assert {c.dtype for c in problem.fields(np.float32)} == {np.dtype(np.float32)}
    assert problem.fields().source == 0.0


def test_fields_come_in_their_order():
    problem = DiffusionAdvection(GRID, (1.0, 2.0), (3.0, 4.0), 5.0)
    assert [float(c) for c in problem.fields()] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert problem.fields()._fields == ("u", "v", "Dx", "Dy", "source")


def test_the_batch_is_what_the_coefficients_broadcast_to():
    assert DiffusionAdvection(GRID, (1.0, 2.0), (3.0, 4.0)).batch == ()
    u, Dx = np.ones((2, 1, 3, 4)), np.ones((5, 1, 1))
    assert DiffusionAdvection(GRID, (u, np.ones((1, 4))), (Dx, 4.0)).batch == (2, 5)


def test_coefficients_are_copied_and_frozen():
    u = np.ones((3, 4))
    problem = DiffusionAdvection(GRID, (u, 0.0), (0.1, 0.1))
    u[:] = 7
    assert problem.fields().u.max() == 1
    for c in (*problem.velocity, *problem.diffusivity, problem.source):
        with pytest.raises(ValueError, match="read-only"):
            c[...] = 2
    with pytest.raises(FrozenInstanceError):
        problem.source = 1.0


def test_the_description_names_every_coefficient():
    text = repr(DiffusionAdvection(GRID, (1.5, np.zeros((3, 4))), (0.1, 0.2), np.arange(4.0)))
    assert "u=1.5" in text
    assert "v=<float64 (3, 4), 0 to 0>" in text
    assert "source=<float64 (4,), 0 to 3>" in text


def bad(**changes):
    return {"grid": GRID, "velocity": (0.0, 0.0), "diffusivity": (0.0, 0.0), "source": 0.0} | changes


HOLE = np.ones((3, 4))
HOLE[1, 2] = np.nan


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (bad(grid=(3, 4)), TypeError, r"`grid` is a tuple: it takes a solver\.Grid"),
        (bad(velocity=1.0), TypeError, r"`velocity` is a float: it takes a pair \(u, v\)"),
        (bad(velocity=(1.0,)), TypeError, r"`velocity` is a tuple: it takes a pair \(u, v\)"),
        (bad(diffusivity=None), TypeError, r"`diffusivity` is a NoneType: it takes a pair \(Dx, Dy\)"),
        (bad(velocity=(1j, 0.0)), TypeError, r"`velocity` u has dtype complex128: it takes real numbers"),
        (bad(velocity=(0.0, "fast")), TypeError, r"`velocity` v has dtype <U4"),
        (bad(source=None), TypeError, r"`source` f has dtype object"),
        (bad(velocity=(HOLE, 0.0)), ValueError, r"`velocity` u is not finite at \(1, 2\)"),
        (bad(diffusivity=(0.0, np.inf)), ValueError, r"`diffusivity` Dy is not finite at \(\)"),
        (bad(diffusivity=(-0.1, 0.0)), ValueError, r"`diffusivity` Dx has the negative value -0\.1: .*ill-posed"),
        (bad(diffusivity=(0.0, -HOLE[0])), ValueError, r"`diffusivity` Dy has the negative value -1"),
        (bad(source=np.ones((4, 3))), ValueError, r"`source` f has shape \(4, 3\): .*\(\.\.\., 3, 4\)"),
        (bad(source=np.ones(3)), ValueError, r"`source` f has shape \(3,\)"),
        (bad(velocity=(np.ones((3, 5)), 0.0)), ValueError, r"`velocity` u has shape \(3, 5\)"),
        (
            bad(velocity=(np.ones((2, 3, 4)), np.ones((5, 3, 4)))),
            ValueError,
            r"batch dimensions of the coefficients do not broadcast together: u \(2, 3, 4\), v \(5, 3, 4\)",
        ),
    ],
)
def test_errors_name_the_coefficient_and_what_it_takes(arguments, error, message):
    with pytest.raises(error, match=message):
        DiffusionAdvection(**arguments)


def test_a_plane_of_one_row_is_not_widened_by_a_coefficient():
    with pytest.raises(ValueError, match=r"`source` f has shape \(3, 4\)"):
        DiffusionAdvection(Grid((1, 4)), (0.0, 0.0), (0.0, 0.0), np.ones((3, 4)))
