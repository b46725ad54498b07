"""The backends agree, their adjoints are transposes, and a run in two parts is the straight run."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scheme_cases import cases, seeds

from solver import backends
from solver.records import Inputs, Levels

NUMPY, CPU = backends.get("numpy"), backends.get("cpu")
BACKENDS = pytest.mark.parametrize("backend", [NUMPY, CPU], ids=lambda b: b.NAME)


def cotangents(case, seed):
    shape = np.broadcast_shapes(*(a.shape for a in case.inputs))
    return Levels(*np.random.default_rng(seed).uniform(-1, 1, (2, *shape)).astype(case.dtype))


@given(case=cases(), seed=seeds)
def test_the_kernels_equal_the_reference_in_double(case, seed):
    """Forward and adjoint, in the dtype of the case, against float64."""
    double = case.map(lambda a: a.astype(np.float64))
    got, want = case.run(CPU), double.run(NUMPY)
    assert got.now.dtype == case.dtype
    for g, w in zip(got, want, strict=True):
        case.close(g, w)
    y = cotangents(case, seed)
    got = CPU.adjoint(y, *case.arguments, case.mesh, case.steps)
    want = NUMPY.adjoint(Levels(*(a.astype(np.float64) for a in y)), *double.arguments, case.mesh, case.steps)
    cells = y.now.size
    for name, g, w in zip(Inputs._fields, got, want, strict=True):
        # A gradient sums over the steps, and over the cells that share the input.
        limit = case.eps * (case.steps + 1) * cells / g.size * max(1.0, np.abs(w).max())
        np.testing.assert_allclose(g, w, rtol=0, atol=limit, err_msg=name)


@BACKENDS
@given(case=cases(), seed=seeds)
def test_the_adjoint_is_the_transpose(backend, case, seed):
    """<F x, y> = <x, F' y> for the linear map from (H[0], H[-1], source and walls) to (H[K], H[K-1])."""
    out, y, i = case.run(backend), cotangents(case, seed), case.inputs
    g = backend.adjoint(y, *case.arguments, case.mesh, case.steps)

    def pairing(a, b):
        return np.sum(a * b, dtype=np.float64)

    left = pairing(out.now, y.now) + pairing(out.old, y.old)
    right = pairing(i.now, g.now) + pairing(i.old, g.old) + pairing(i.source, g.source)
    magnitude = sum(np.sum(np.abs(a), dtype=np.float64) for a in (*out, g.now, g.old, g.source)) + 1
    assert abs(left - right) <= case.eps * magnitude


@BACKENDS
@given(case=cases(), cut=st.integers(0, 40))
def test_a_run_in_two_parts_is_the_straight_run_bit_for_bit(backend, case, cut):
    """The second part leaves so many fewer steps unfiltered."""
    cut, raw = min(cut, case.steps), case.mesh.raw
    straight = case.run(backend)
    half = backend.forward(*case.arguments, case.mesh, cut)
    rest = case.mesh._replace(raw=raw._replace(unfiltered=max(0, raw.unfiltered - cut)))
    whole = backend.forward(half, case.arguments[1], rest, case.steps - cut)
    for a, b in zip(whole, straight, strict=True):
        assert a.tobytes() == b.tobytes()
