"""Small planes side by side in lanes: the same numbers as one plane at a time, and those of the reference."""

import numpy as np
import pytest
from scheme_kinds import SIDES, name

from solver import cpu, reference
from solver.cpu import small, transposing, vectors
from solver.cpu.transposing import LANES
from solver.records import Inputs, Levels, Mesh

SHAPES = [(16, 1, 1), (20, 1, 5), (33, 5, 1), (17, 2, 2), (9, 3, 7), (23, 8, 8), (40, 13, 11), (16, 20, 20)]
STEPS = (1, 2, 3, 6, 21)
BOTH = (False, True, True, False, False, False, False)


@pytest.fixture
def side_by_side(monkeypatch):
    """Return a function that lays planes of up to so many cells side by side, 0: none."""

    def lay(cells):
        for limit in ("OF_STEP", "OF_MORE", "OF_MORE_IN_LINES"):
            monkeypatch.setattr(small, limit, cells)
        monkeypatch.setattr(small, "OF_STEP_BACK", {4: cells, 8: cells})

    return lay


def same(some, others):
    return all(a.tobytes() == b.tobytes() and a.shape == b.shape for a, b in zip(some, others, strict=True))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kinds", SIDES, ids=name)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_lanes_make_the_same_bits_as_one_plane_at_a_time(
    shape, kinds, dtype, make_inputs, split, side_by_side, assert_rounding_close
):
    inputs, cotangent = make_inputs(shape, dtype), Levels(*make_inputs(shape, dtype)[:2])
    double = split(Inputs(*(a.astype(np.float64) for a in inputs)))
    for steps in STEPS:
        mesh = Mesh(0.2, 0.9, 1.2, kinds)
        side_by_side(400)
        levels, gradients = (
            cpu.forward(*split(inputs), mesh, steps),
            cpu.adjoint(cotangent, *split(inputs), mesh, steps),
        )
        for got, want in zip(levels, reference.forward(*double, mesh, steps), strict=True):
            assert_rounding_close(got, want, steps)
        wanted = reference.adjoint(Levels(*(c.astype(np.float64) for c in cotangent)), *double, mesh, steps)
        for got, want in zip(gradients, wanted, strict=True):
            assert_rounding_close(got, want, steps, summed=steps + 1)
        side_by_side(0)
        assert same(levels, cpu.forward(*split(inputs), mesh, steps))
        assert same(gradients, cpu.adjoint(cotangent, *split(inputs), mesh, steps))


@pytest.mark.parametrize("steps", [1, 4])
def test_other_forms_on_lanes(steps, make_inputs, split, side_by_side):
    inputs, mesh = make_inputs((19, 6, 7)), Mesh(0.2, 0.9, 1.2, SIDES[3], "skew", "flux")
    side_by_side(400)
    levels = cpu.forward(*split(inputs), mesh, steps)
    side_by_side(0)
    assert same(levels, cpu.forward(*split(inputs), mesh, steps))
    for got, want in zip(levels, reference.forward(*split(inputs), mesh, steps), strict=True):
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-13)


@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.parametrize("kinds", SIDES, ids=name)
@pytest.mark.parametrize("pattern", [(), (3, 1, 1), (6, 7), (1, 7), (13, 1, 1, 1), (1, 3, 6, 7)], ids=str)
def test_inputs_that_planes_share(pattern, kinds, steps, make_inputs, split, side_by_side, assert_rounding_close):
    shape, mesh = (13, 3, 6, 7), Mesh(0.2, 0.9, 1.2, kinds)
    inputs = make_inputs(shape, **dict.fromkeys(("source", "u", "v", "Dx", "Dy"), pattern))
    cotangent = Levels(*make_inputs(shape)[:2])
    side_by_side(400)
    levels, gradients = cpu.forward(*split(inputs), mesh, steps), cpu.adjoint(cotangent, *split(inputs), mesh, steps)
    for got, want in zip(levels, reference.forward(*split(inputs), mesh, steps), strict=True):
        assert_rounding_close(got, want, steps)
    for got, want, a in zip(gradients, reference.adjoint(cotangent, *split(inputs), mesh, steps), inputs, strict=True):
        assert_rounding_close(got, want, steps, summed=2 * steps * cotangent.now.size // a.size)
    side_by_side(0)
    assert same(gradients, cpu.adjoint(cotangent, *split(inputs), mesh, steps))


@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.parametrize("kinds", SIDES, ids=name)
def test_one_gradient_for_three_inputs(kinds, steps, make_inputs, split, side_by_side):
    inputs, mesh = make_inputs((37, 6, 5)), Mesh(0.2, 0.9, 1.2, kinds)
    inputs = inputs._replace(old=inputs.now, source=inputs.now)
    cotangent = Levels(*make_inputs((37, 6, 5))[:2])
    side_by_side(400)
    one = cpu.adjoint(cotangent, *split(inputs), mesh, steps, joined=BOTH)
    three = cpu.adjoint(cotangent, *split(inputs), mesh, steps)
    np.testing.assert_allclose(one.now, three.now + three.old + three.source, rtol=0, atol=1e-13)
    side_by_side(0)
    assert same(one, cpu.adjoint(cotangent, *split(inputs), mesh, steps, joined=BOTH))


def test_a_zero_keeps_its_sign_on_a_wall(make_inputs, split, side_by_side):
    inputs, cotangent = make_inputs((9, 4, 5)), np.full((9, 4, 5), -0.0)
    for steps in (1, 2):
        side_by_side(400)
        got = cpu.adjoint(cotangent, *split(inputs), Mesh(0.2, boundary=("dirichlet",) * 4), steps)
        side_by_side(0)
        assert same(got, cpu.adjoint(cotangent, *split(inputs), Mesh(0.2, boundary=("dirichlet",) * 4), steps))


@pytest.mark.parametrize("steps", [1, 5])
def test_threads_and_results_past_the_caches_change_no_bit(steps, make_inputs, split, set_threads, monkeypatch):
    levels, fields = split(make_inputs((1003, 7, 7), np.float32))
    runs = []
    for threads, limit in ((1, 1 << 40), (2, 1 << 40), (1, 0), (3, 0)):
        set_threads(threads)
        monkeypatch.setattr("solver.cpu.targets.STREAM", limit)
        mesh = Mesh(0.2)
        runs.append([*cpu.forward(levels, fields, mesh, steps), *cpu.adjoint(levels.old, levels, fields, mesh, steps)])
    assert all(same(run, runs[0]) for run in runs[1:])


def test_which_planes_are_small():
    assert small.is_small((8, 7, 7), 1, 4)
    assert not small.is_small((7, 7, 7), 1, 4)
    assert not small.is_small((8, 7, 8), 1, 4)
    assert small.is_small((8, 18, 18), 1, 4, adjoint=True)
    assert not small.is_small((8, 18, 19), 1, 4, adjoint=True)
    assert not small.is_small((8, 18, 18), 1, 8, adjoint=True)
    assert small.is_small((2, 4, 20, 20), 2, 4)
    assert not small.is_small((8, 20, 21), 2, 4)
    assert small.is_small((8, 8, 8), 2, 4)
    assert not small.is_small((8, 8, 8), 2, 8)
    assert not small.is_small((8, 16, 16), 2, 4)
    assert small.is_small((8, 20, 20), 2, 4, adjoint=True)
    assert small.is_small((8, 16, 16), 106, 4, adjoint=True)
    assert not small.is_small((8, 16, 16), 107, 4, adjoint=True)
    assert [small.packs_of(n) for n in (1, LANES, LANES + 1)] == [1, 1, 2]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_turning_around_in_plain_python(dtype):
    """What the kernels do with registers, as the same function does it uncompiled."""
    width = vectors.BYTES // np.dtype(dtype).itemsize
    source, to = np.arange(width * width, dtype=dtype), np.zeros(width * width, dtype)
    rows = np.arange(width) * width
    transposing.transpose_block(to, rows, 0, source, rows, 0)
    np.testing.assert_array_equal(to.reshape(width, width), source.reshape(width, width).T)


@pytest.mark.parametrize(("width", "part"), [(2, 2), (4, 2), (8, 2), (4, 4), (8, 4), (16, 4)])
def test_squares_of_any_vector_are_turned_around(width, part):
    square = np.arange(width * width).reshape(width, width)
    columns = transposing.turn(square, part, lambda a, b, places: np.concatenate([a, b])[places])
    np.testing.assert_array_equal(columns, square.T)
