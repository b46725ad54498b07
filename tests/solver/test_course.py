"""A course is the bare steps, call after call; memory that is used again belongs to nobody else."""

import numpy as np
import pytest

import solver
from solver import DiffusionAdvection, Grid, backends
from solver.records import Filter, Levels, Mesh

# Planes that are marched whole, in strips, in strips and tiles; several small ones; one value broadcast to a batch.
SHAPES = [(9, 33), (130, 300), (200, 1100), (3, 2, 40, 41)]


def draw(make_inputs, split, shape, dtype=np.float64, **shapes):
    levels, fields = split(make_inputs(shape, dtype, **shapes))
    return levels, fields


@pytest.mark.parametrize("name", ["numpy", "cpu"])
@pytest.mark.parametrize("raw", [Filter(), Filter(0.1, 0.53, 0)], ids=["plain", "filtered"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_course_makes_the_bits_of_single_calls(shape, dtype, raw, name, make_inputs, split, set_threads):
    set_threads(2)
    backend, mesh = backends.get(name), Mesh(0.05, raw=raw)
    levels, fields = draw(make_inputs, split, shape, dtype)
    course, want = backend.Course(fields, mesh), levels
    for steps in (1, 17, 64, 33):
        before, (levels, finite) = levels, course.advance(levels, steps)
        want = backend.forward(want, fields, mesh, steps)
        assert finite
        for got, expected in zip(levels, want, strict=True):
            np.testing.assert_array_equal(got, expected)
        if steps > 1:
            course.reuse(before)


def test_levels_that_spread_over_a_batch(make_inputs, split):
    levels, fields = draw(make_inputs, split, (5, 4), u=(3, 1, 1))
    course = backends.get("cpu").Course(fields, Mesh(0.05))
    reached, _ = course.advance(levels, 3)
    course.reuse(levels)  # of another shape: left alone
    reached, _ = course.advance(reached, 3)
    want = backends.get("cpu").forward(levels, fields, Mesh(0.05), 6)
    np.testing.assert_array_equal(reached.now, want.now)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("shape", SHAPES)
def test_one_cell_that_is_not_finite_is_seen(shape, bad, threads, make_inputs, split, set_threads):
    """In the first and last cell of every part: one step alone, which spreads it no further than to its neighbours."""
    set_threads(threads)
    levels, fields = draw(make_inputs, split, shape)
    for row, column in ((0, 0), (-1, -1), (shape[-2] // 2, shape[-1] // 2), (shape[-2] // 2 - 1, shape[-1] // 3)):
        old = levels.old.copy()
        old[..., row, column].flat[-1] = bad
        course = backends.get("cpu").Course(fields, Mesh(0.05))
        assert not course.advance(Levels(levels.now, old), 1)[1]
        assert course.advance(levels, 1)[1]


def test_levels_of_others_are_not_overwritten(make_inputs, split):
    levels, fields = draw(make_inputs, split, (130, 300))
    course = backends.get("cpu").Course(fields, Mesh(0.05))
    first, _ = course.advance(levels, 2)
    kept = first.now.copy()
    for level in first:
        level.flags.writeable = False
    course.reuse(first)
    course.reuse(Levels(levels.now, levels.now))
    initial = levels.now.copy()
    for _ in range(3):
        course.advance(levels, 2)
    np.testing.assert_array_equal(first.now, kept)
    np.testing.assert_array_equal(levels.now, initial)


@pytest.mark.parametrize("raw", [None, solver.RAW()], ids=["plain", "filtered"])
@pytest.mark.parametrize("start", ["heun", "copy"])
def test_what_a_solve_hands_out_stays_as_it_was(start, raw, rng):
    """Saved fields, fields given to a callback, the levels of a solution that another run resumes."""
    H = rng.standard_normal((190, 180))
    problem = DiffusionAdvection(Grid(H.shape), (0.05, 0.02), (0.1, 0.1))
    seen = []
    whole = solver.solve(
        problem, H, 300.0, dt=1.0, start=start, filter=raw, callback=lambda k, t, field: seen.append((k, field))
    )
    begun = solver.solve(problem, H, 130.0, dt=1.0, start=start, filter=raw, save_at=[64.0])
    levels = [level.copy() for level in begun.levels]
    resumed = solver.solve(problem, None, 300.0, resume=begun)
    np.testing.assert_array_equal(resumed.final, whole.final)
    for kept, level in zip(levels, begun.levels, strict=True):
        np.testing.assert_array_equal(kept, level)
    np.testing.assert_array_equal(begun.fields[0], dict(seen)[64])
    for step, field in seen[1:]:
        alone = solver.solve(problem, H, float(step), dt=1.0, start=start, filter=raw)
        np.testing.assert_array_equal(field, alone.final)
    np.testing.assert_array_equal(whole.fields[0], H)
