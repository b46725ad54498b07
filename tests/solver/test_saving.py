"""What a solve saves: in its place from the first moment on, held once, and no place for what did not come."""

import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest

import solver
from solver import DiffusionAdvection, Dirichlet, Grid, saving
from solver.saving import Saved

KIND = np.dtype(np.float64)


def still(shape, boundary="periodic"):
    return DiffusionAdvection(Grid(shape, boundary=boundary), (0.1, 0.05), (0.02, 0.02))


def test_many_saved_fields_are_held_once(rng):
    """Each costs its own memory, not twice as much."""
    H = rng.standard_normal((128, 128))

    def peak(save_at):
        tracemalloc.start()
        try:
            solver.solve(still(H.shape), H, 64.0, dt=1.0, start="copy", save_at=save_at)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    for save_at in ([64.0], range(65)):
        peak(save_at)  # what is compiled and imported at the first call
    assert peak(range(65)) - peak([64.0]) < 1.5 * 64 * H.nbytes  # scratch of another number of steps included


@pytest.mark.parametrize("save_at", [None, [0.0, 3.0, 5.0], [5.0], [0.0]])
@pytest.mark.parametrize("boundary", ["periodic", Dirichlet(2.0)])
def test_the_initial_field_is_a_copy_that_the_run_does_not_touch(boundary, save_at, rng):
    H = rng.standard_normal((7, 9))
    given = H.copy()
    solution = solver.solve(still(H.shape, boundary), given, 5.0, dt=1.0, save_at=save_at)
    np.testing.assert_array_equal(given, H)
    given[:] = np.nan
    for time, field in zip(solution.times, solution.fields, strict=True):
        alone = solver.solve(still(H.shape, boundary), H, 5.0, dt=1.0, save_at=range(6))
        np.testing.assert_array_equal(field, alone.fields[int(time)])
        inner = np.s_[1:-1, 1:-1]
        assert time > 0 or (field[inner] == H[inner]).all()
        assert not np.shares_memory(field, given)


def test_a_run_that_ends_early_keeps_no_room_for_what_did_not_come(rng):
    H = rng.standard_normal((6, 5))
    for last in (0, 3):
        solution = solver.solve(
            still(H.shape),
            H,
            9.0,
            dt=1.0,
            save_at=range(10),
            callback=lambda step, time, field, last=last: step == last,
        )
        assert solution.fields.shape == (last + 1, 6, 5)
        assert all(array.base is None for array in (solution.fields, *solution.levels))


def test_no_room_for_the_result_is_said_before_the_first_step(monkeypatch):
    def no_room(*_):
        raise MemoryError("no room")

    monkeypatch.setattr(saving, "np", SimpleNamespace(empty=no_room))
    called = []
    with pytest.raises(MemoryError, match="no room"):
        solver.solve(still((6, 5)), np.zeros((6, 5)), 9.0, dt=1.0, callback=lambda *a: called.append(a))
    assert not called


def test_only_a_field_that_is_saved_as_it_is_gets_its_place_at_once():
    saved = Saved((0, 4), (2, 3, 3), KIND)
    H = saved.room_for_initial((2, 3, 3))
    saved.keep(H)
    saved.keep(H)
    assert np.shares_memory(H, saved.fields)
    spread = Saved((0, 4), (2, 3, 3), KIND)
    H = spread.room_for_initial((3, 3))
    H[:] = 5.0
    spread.keep(H)
    assert spread.steps == (0,)
    np.testing.assert_array_equal(spread.fields, np.full((1, 2, 3, 3), 5.0))
    later = Saved((4,), (3, 3), KIND)
    assert not np.shares_memory(later.room_for_initial((3, 3)), later.fields)
