"""The kernels of the adjoint against each other: one step, groups of steps, any form, one gradient for three inputs."""

import numpy as np
import pytest
from scheme_kinds import BOUNDARIES, SIDES, name

from solver import cpu, reference
from solver.cpu.adjoint import adjoint_planes
from solver.cpu.adjoint_sums import GROUP
from solver.cpu.layout import Batch, Extent
from solver.cpu.loading import CHUNK
from solver.cpu.segments import segment_length
from solver.cpu.sharing import Span
from solver.cpu.targets import LINE, STREAM, Targets, aligned
from solver.records import Fields, Inputs, Levels, Mesh, Ratios

PLANES = [(1, 1), (1, 7), (7, 1), (2, 2), (3, 5), (8, 8), (28, 28), (33, 17), (17, 33)]
SHAPES = {"scalar": (), "per channel": (3, 1, 1), "shared plane": (6, 7), "row": (1, 7), "per member": (2, 1, 1, 1)}
APART = (False,) * 7
BOTH = (False, True, True, False, False, False, False)


def general(cotangent, inputs, mesh, steps):
    """Return the seven gradients of per-cell inputs by the kernel that takes every form, whatever the form."""
    shape, dtype = inputs.now.shape, inputs.now.dtype
    out = [aligned((inputs.now.size,), dtype) for _ in inputs]
    targets = Targets.of(out, [shape[-2] * shape[-1]] * 7, APART)
    batch, extent = Batch.of(inputs, shape), Extent.of(shape, steps, mesh, dtype)
    of_now, of_old = (np.ascontiguousarray(c).reshape(-1) for c in cotangent)
    planes = inputs.now.size // (shape[-2] * shape[-1])
    adjoint_planes(targets, (of_now, of_old), tuple(batch), Ratios.of(mesh, dtype), extent, True, Span(0, planes))
    return Inputs(*(g.reshape(shape) for g in out))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kinds", SIDES, ids=name)
@pytest.mark.parametrize("plane", PLANES, ids=str)
def test_one_step_and_groups_equal_the_general_kernel_and_the_reference(
    plane, kinds, dtype, make_inputs, split, assert_rounding_close
):
    inputs, mesh = make_inputs((2, *plane), dtype), Mesh(0.2, 0.9, 1.2, kinds)
    cotangent = Levels(*make_inputs((2, *plane), dtype)[:2])
    double = Inputs(*(a.astype(np.float64) for a in inputs))
    for steps in (1, 2, GROUP, GROUP + 1, 16, 17, 23):
        got = cpu.adjoint(cotangent, *split(inputs), mesh, steps)
        want = reference.adjoint(Levels(*(c.astype(np.float64) for c in cotangent)), *split(double), mesh, steps)
        for g, a, w in zip(got, general(cotangent, inputs, mesh, steps), want, strict=True):
            assert_rounding_close(g, w, steps, summed=steps + 1)
            assert_rounding_close(g, a.astype(np.float64), steps, summed=steps + 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kinds", SIDES, ids=name)
def test_long_rows_equal_the_reference(kinds, dtype, make_inputs, split, assert_rounding_close):
    """Most runs of a long row hold no end of it, and make no choice between neighbours."""
    shape, mesh, steps = (2, 5, 200), Mesh(0.2, 0.9, 1.2, kinds), 4
    inputs, cotangent = make_inputs(shape, dtype), Levels(*make_inputs(shape, dtype)[:2])
    double = Inputs(*(a.astype(np.float64) for a in inputs))
    for g, w in zip(
        cpu.forward(*split(inputs), mesh, steps), reference.forward(*split(double), mesh, steps), strict=True
    ):
        assert_rounding_close(g, w, steps)
    got = cpu.adjoint(cotangent, *split(inputs), mesh, steps)
    want = reference.adjoint(Levels(*(c.astype(np.float64) for c in cotangent)), *split(double), mesh, steps)
    for g, w in zip(got, want, strict=True):
        assert_rounding_close(g, w, steps, summed=steps + 1)


@pytest.mark.parametrize("kinds", SIDES, ids=name)
def test_a_run_in_segments_equals_the_general_kernel_and_the_reference(
    kinds, make_inputs, split, assert_rounding_close
):
    """Planes too large for a cache to hold the states of all steps: these are computed again, segment by segment."""
    shape, mesh = (1, 70, 67), Mesh(0.2, 0.9, 1.2, kinds)
    inputs, cotangent = make_inputs(shape), Levels(*make_inputs(shape)[:2])
    for steps in (17, 31, 40):
        segment = segment_length.py_func(steps, inputs.now.nbytes)
        assert segment < steps
        assert steps % segment
        got = cpu.adjoint(cotangent, *split(inputs), mesh, steps)
        want = reference.adjoint(cotangent, *split(inputs), mesh, steps)
        for g, a, w in zip(got, general(cotangent, inputs, mesh, steps), want, strict=True):
            assert_rounding_close(g, w, steps, summed=steps + 1)
            assert_rounding_close(g, a, steps, summed=steps + 1)


@pytest.mark.parametrize("pattern", SHAPES)
@pytest.mark.parametrize("kinds", SIDES, ids=name)
def test_broadcast_inputs_of_one_step_get_their_sums(kinds, pattern, make_inputs, split, assert_rounding_close):
    mesh = Mesh(0.2, 0.9, 1.2, kinds)
    for which in (*((n,) for n in Inputs._fields), Fields._fields):
        inputs = make_inputs((2, 3, 6, 7), **dict.fromkeys(which, SHAPES[pattern]))
        cotangent = Levels(*make_inputs((2, 3, 6, 7))[:2])
        got, want = (b.adjoint(cotangent, *split(inputs), mesh, 1) for b in (cpu, reference))
        for g, w, a in zip(got, want, inputs, strict=True):
            assert_rounding_close(g, w, 1, summed=2 * cotangent.now.size // a.size)


@pytest.mark.parametrize("steps", [0, 1, 5, 7, 20])
@pytest.mark.parametrize("kinds", BOUNDARIES, ids=name)
def test_one_gradient_for_three_inputs_is_their_sum(kinds, steps, make_inputs, split):
    inputs, cotangent = make_inputs((3, 5, 6)), Levels(*make_inputs((3, 5, 6))[:2])
    inputs = inputs._replace(old=inputs.now, source=inputs.now)
    for advection in ("product", "skew"):
        mesh = Mesh(0.2, 0.9, 1.2, kinds, advection)
        one = cpu.adjoint(cotangent, *split(inputs), mesh, steps, joined=BOTH)
        three = cpu.adjoint(cotangent, *split(inputs), mesh, steps)
        total = three.now + three.old + three.source
        np.testing.assert_allclose(one.now, total, rtol=0, atol=1e-14 * (1 + np.abs(total).max()))
        for name_, a, b in zip(Inputs._fields, one, three, strict=True):
            if name_ in ("old", "source"):
                assert a.size == 0
            elif name_ != "now":
                np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("steps", [1, 5])
@pytest.mark.parametrize("shape", [(7, 40, 41), (400, 16, 16), (500, 8, 8), (300, 5, 5)])
def test_threads_and_gradients_past_the_caches_change_no_bit(
    shape, steps, make_inputs, split, set_threads, monkeypatch
):
    """Streamed rows of whole lines and of broken ones, planes that start within a line, any number of threads."""
    levels, fields = split(make_inputs(shape, np.float32))
    runs = []
    for threads, limit in ((1, STREAM), (2, STREAM), (1, 0), (3, 0)):
        set_threads(threads)
        monkeypatch.setattr("solver.cpu.targets.STREAM", limit)
        runs.append(cpu.adjoint(levels.old, levels, fields, Mesh(0.2), steps))
    for run in runs[1:]:
        for a, b in zip(run, runs[0], strict=True):
            assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_aligned_begins_with_a_cache_line(dtype):
    kept = [aligned((n, 3, 5), np.dtype(dtype)) for n in range(1, 20)]
    assert all(a.ctypes.data % LINE == 0 and a.shape[1:] == (3, 5) and a.flags.c_contiguous for a in kept)


def test_a_plane_much_smaller_than_a_chunk_stays_within_its_scratch(make_inputs, split, assert_rounding_close):
    """The loops run on to whole chunks: what they write there must reach no other plane's numbers."""
    assert CHUNK > 9
    inputs = make_inputs((50, 1, 1))
    for steps in (1, 4):
        cotangent = Levels(inputs.u, np.zeros_like(inputs.u))
        got, want = (b.adjoint(cotangent, *split(inputs), Mesh(0.2), steps) for b in (cpu, reference))
        for g, w in zip(got, want, strict=True):
            assert_rounding_close(g, w, steps, summed=steps + 1)
