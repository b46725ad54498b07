"""Solution: immutable, and the same after saving and loading."""

from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest

import solver
from solver import DiffusionAdvection, Grid, Solution, Status

GRID = Grid((6, 5), (0.9, 1.2), origin=(1.0, -2.0))


@pytest.fixture
def solution(rng):
    problem = DiffusionAdvection(GRID, (rng.uniform(-0.3, 0.3, (2, 1, 1)), -0.1), (0.2, 0.1), 0.3)
    return solver.solve(problem, rng.standard_normal((2, 6, 5)), 4.0, dt=0.2, save_at=[0.0, 1.0, 4.0])


def test_nothing_can_be_changed(solution):
    for name in ("status", "fields", "steps", "final"):
        with pytest.raises((FrozenInstanceError, AttributeError)):
            setattr(solution, name, None)
    for array in (solution.times, solution.fields, solution.final, *solution.levels):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_it_describes_the_run(solution):
    assert solution.time == pytest.approx(4.0)
    assert solution.mesh_numbers[1:] == pytest.approx((0.1 * 0.2 / 1.2, 0.2 * 0.2 / 0.81, 0.1 * 0.2 / 1.44))
    assert solution.tau == pytest.approx(0.04 * (0.2 / 0.81 + 0.1 / 1.44))
    assert 0 < solution.stability_number < 1
    np.testing.assert_array_equal(solution.final, solution.fields[-1])
    text = repr(solution)
    for part in (Status.FINISHED.value, "20 steps", "dt = 0.2", "3 saved fields of shape (2, 6, 5), float64"):
        assert part in text


@pytest.mark.parametrize("name", ["run", "run.npz", "run.v2"])
def test_a_saved_solution_is_the_same(solution, name, tmp_path):
    path = solution.save(tmp_path / name)
    assert path == tmp_path / (name if name.endswith(".npz") else name + ".npz")
    assert sorted(p.name for p in tmp_path.iterdir()) == [path.name]
    loaded = Solution.load(path)
    for field in fields(Solution):
        a, b = getattr(loaded, field.name), getattr(solution, field.name)
        if field.name in ("times", "fields", "levels"):
            assert np.asarray(a).tobytes() == np.asarray(b).tobytes(), field.name
            assert np.asarray(a).dtype == np.asarray(b).dtype
        else:
            assert a == b, field.name
    with pytest.raises(ValueError, match="read-only"):
        loaded.fields[...] = 0


def test_saving_again_replaces(solution, tmp_path):
    (tmp_path / "run.npz").write_bytes(b"an older run")
    assert Solution.load(solution.save(tmp_path / "run")).steps == 20


def test_another_file_is_refused(tmp_path):
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(ValueError, match=r"`path` '.*other\.npz' is not a saved solution"):
        Solution.load(tmp_path / "other.npz")


def test_every_status_is_a_sentence():
    for status in Status:
        assert status.value[0].isupper()
        assert status.value.endswith(".")


def test_a_file_of_another_version_says_so(tmp_path):
    path = tmp_path / "old.npz"
    np.savez(path, format="pdebridge solution 1", record="{}")
    with pytest.raises(ValueError, match=r"was saved by another version \('pdebridge solution 1', not .*solve again"):
        Solution.load(path)
