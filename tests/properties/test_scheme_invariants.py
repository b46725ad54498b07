"""Invariants of the scheme on random planes, spacings, fields and numbers of steps, for every backend."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver import backends
from solver.records import Array, Fields, Inputs, Levels, Mesh

BACKENDS = pytest.mark.parametrize("backend", [backends.get("numpy"), backends.get("cpu")], ids=lambda b: b.NAME)


@dataclass(frozen=True)
class Case:
    """Inputs of the scheme, a mesh, and a number of steps."""

    inputs: Inputs
    mesh: Mesh
    steps: int

    def run(self, backend, **changes) -> Levels:
        """Return H[K] and H[K-1], with some of the inputs changed."""
        i = self.inputs._replace(**changes)
        return backend.forward(Levels(i.now, i.old), Fields(i.u, i.v, i.Dx, i.Dy, i.source), self.mesh, self.steps)

    def map(self, function) -> "Case":
        """Apply a function to every input."""
        return Case(Inputs(*(function(a) for a in self.inputs)), self.mesh, self.steps)


@st.composite
def cases(draw):
    """Draw a case whose mesh numbers are moderate, so that K steps neither overflow nor drown in rounding."""
    rows, columns = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    batch = draw(st.sampled_from([(), (1,), (3,), (2, 3)]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dt, dx, dy = (draw(st.floats(low, high)) for low, high in ((0.01, 0.3), (0.5, 2.0), (0.5, 2.0)))

    def coefficient(low, high):
        kind = draw(st.sampled_from(["cell", "plane", "number"]))
        shape = {"cell": (*batch, rows, columns), "plane": (rows, columns), "number": ()}[kind]
        return np.asarray(rng.uniform(low, high, shape))

    now, old = rng.uniform(-1, 1, (2, *batch, rows, columns))
    inputs = Inputs(
        now=now,
        old=old,
        source=coefficient(-1, 1),
        u=coefficient(-0.5, 0.5),
        v=coefficient(-0.5, 0.5),
        Dx=coefficient(0, 1),
        Dy=coefficient(0, 1),
    )
    return Case(inputs, Mesh(dt, dx, dy), draw(st.integers(0, 24)))


def full(case):
    """Expand every input to the common shape, so that it can be shifted and mirrored."""
    shape = np.broadcast_shapes(*(a.shape for a in case.inputs))
    return case.map(lambda a: np.broadcast_to(a, shape).copy())


def assert_close(got: Array, want: Array, case: Case):
    """Rounding: sixteen operations a cell and step, on numbers no larger than the largest in play."""
    scale = max(1.0, float(np.max(np.abs(want), initial=0.0)))
    np.testing.assert_allclose(got, want, rtol=0, atol=64 * np.finfo(float).eps * (case.steps + 1) * scale)


@BACKENDS
@given(case=cases(), a=st.floats(-2, 2), b=st.floats(-2, 2), seed=st.integers(0, 2**32 - 1))
def test_linear_in_the_state_and_the_source(backend, case, a, b, seed):
    rng = np.random.default_rng(seed)
    names = ("now", "old", "source")
    first = {name: getattr(case.inputs, name) for name in names}
    second = {name: rng.uniform(-1, 1, value.shape) for name, value in first.items()}
    both = {name: a * first[name] + b * second[name] for name in names}
    want = a * case.run(backend).now + b * case.run(backend, **second).now
    assert_close(case.run(backend, **both).now, want, case)


@BACKENDS
@given(case=cases(), shift=st.tuples(st.integers(-9, 9), st.integers(-9, 9)))
def test_translation(backend, case, shift):
    case = full(case)
    moved = case.map(lambda a: np.roll(a, shift, (-2, -1)))
    np.testing.assert_array_equal(moved.run(backend).now, np.roll(case.run(backend).now, shift, (-2, -1)))


@BACKENDS
@given(case=cases())
@pytest.mark.parametrize(("axis", "component"), [(-2, "u"), (-1, "v")], ids=["x", "y"])
def test_mirror(backend, axis, component, case):
    case = full(case)
    mirrored = case.map(lambda a: np.flip(a, axis))
    reversed_flow = {component: -getattr(mirrored.inputs, component)}
    assert_close(mirrored.run(backend, **reversed_flow).now, np.flip(case.run(backend).now, axis), case)


@BACKENDS
@given(case=cases())
def test_transpose(backend, case):
    case = full(case)
    swapped = {name: np.swapaxes(getattr(case.inputs, name), -1, -2) for name in Inputs._fields}
    swapped |= {"u": swapped["v"], "v": swapped["u"], "Dx": swapped["Dy"], "Dy": swapped["Dx"]}
    turned = Case(Inputs(**swapped), Mesh(case.mesh.dt, case.mesh.dy, case.mesh.dx), case.steps)
    assert_close(turned.run(backend).now, np.swapaxes(case.run(backend).now, -1, -2), case)


@BACKENDS
@given(case=cases())
def test_the_sum_is_conserved_with_constant_diffusivity(backend, case):
    """For any velocity field: the product-rule advection telescopes, if the two levels start with equal sums."""
    constant = {name: np.asarray(getattr(case.inputs, name).flat[0]) for name in ("Dx", "Dy")}
    old = case.inputs.old + (case.inputs.now - case.inputs.old).mean(axis=(-2, -1), keepdims=True)
    end = case.run(backend, old=old, source=np.zeros(()), **constant)
    scale = np.prod(case.inputs.now.shape[-2:]) * max(1.0, float(np.abs(end.now).max()))
    np.testing.assert_allclose(
        end.now.sum(axis=(-2, -1)),
        case.inputs.now.sum(axis=(-2, -1)),
        rtol=0,
        atol=64 * np.finfo(float).eps * (case.steps + 1) * scale,
    )


@BACKENDS
@given(case=cases(), level=st.floats(-3, 3), seed=st.integers(0, 2**32 - 1))
def test_a_constant_is_preserved_in_a_flow_without_divergence(backend, case, level, seed):
    """The velocity is the discrete curl of a stream function, whose discrete divergence is zero."""
    shape = case.inputs.now.shape
    stream = np.random.default_rng(seed).uniform(-0.2, 0.2, shape)
    u = (np.roll(stream, -1, -1) - np.roll(stream, 1, -1)) / (2 * case.mesh.dy)
    v = -(np.roll(stream, -1, -2) - np.roll(stream, 1, -2)) / (2 * case.mesh.dx)
    H = np.full(shape, level)
    assert_close(case.run(backend, now=H, old=H, u=u, v=v, source=np.zeros(())).now, H, case)


@BACKENDS
@given(case=cases(), seed=st.integers(0, 2**32 - 1))
def test_the_adjoint_is_the_transpose(backend, case, seed):
    """<F x, y> = <x, F' y> for the linear map from (H[0], H[-1], f) to (H[K], H[K-1])."""
    out = case.run(backend)
    y = Levels(*np.random.default_rng(seed).uniform(-1, 1, (2, *out.now.shape)))
    i = case.inputs
    g = backend.adjoint(y, Levels(i.now, i.old), Fields(i.u, i.v, i.Dx, i.Dy, i.source), case.mesh, case.steps)
    left = np.sum(out.now * y.now) + np.sum(out.old * y.old)
    right = np.sum(i.now * g.now) + np.sum(i.old * g.old) + np.sum(i.source * g.source)
    magnitude = np.sum(np.abs(out.now * y.now)) + np.sum(np.abs(out.old * y.old)) + 1
    assert abs(left - right) <= 64 * np.finfo(float).eps * (case.steps + 1) * magnitude


@BACKENDS
@given(case=cases(), cut=st.integers(0, 24))
def test_a_run_in_two_parts_is_the_straight_run_bit_for_bit(backend, case, cut):
    cut = min(cut, case.steps)
    straight = case.run(backend)
    half = Case(case.inputs, case.mesh, cut).run(backend)
    whole = Case(case.inputs, case.mesh, case.steps - cut).run(backend, now=half.now, old=half.old)
    for a, b in zip(whole, straight, strict=True):
        assert a.tobytes() == b.tobytes()


@given(case=cases(), seed=st.integers(0, 2**32 - 1))
def test_the_kernels_equal_the_reference(case, seed):
    numpy, cpu = backends.get("numpy"), backends.get("cpu")
    got, want = case.run(cpu), case.run(numpy)
    assert_close(got.now, want.now, case)
    assert_close(got.old, want.old, case)
    y = Levels(*np.random.default_rng(seed).uniform(-1, 1, (2, *want.now.shape)))
    i = case.inputs
    arguments = (y, Levels(i.now, i.old), Fields(i.u, i.v, i.Dx, i.Dy, i.source), case.mesh, case.steps)
    cells = want.now.size
    for name, g, w in zip(Inputs._fields, cpu.adjoint(*arguments), numpy.adjoint(*arguments), strict=True):
        # A gradient sums over the steps, and over the cells that share the input.
        limit = 64 * np.finfo(float).eps * (case.steps + 1) ** 2 * cells / g.size * max(1.0, np.abs(w).max())
        np.testing.assert_allclose(g, w, rtol=0, atol=limit, err_msg=name)
