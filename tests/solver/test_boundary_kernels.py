"""The kernels against the reference over all boundaries, forms and filters, forward and adjoint, to rounding."""

from itertools import product

import numpy as np
import pytest
from scheme_kinds import BOUNDARIES, FILTERS, FORMS, fits, name

from solver import backends, cpu, reference
from solver.records import Fields, Filter, Inputs, Levels, Mesh

STEPS = [1, 2, 5, 17, 40]  # more than 16 are taken in segments
PLANES = [(1, 1), (1, 5), (5, 1), (2, 2), (3, 3), (9, 16)]
SIDES = [
    ("no-flux",) * 4,
    ("dirichlet",) * 4,
    ("periodic", "periodic", "dirichlet", "no-flux"),
    ("no-flux", "dirichlet", "periodic", "periodic"),
]
SOME_SIDES = pytest.mark.parametrize("kinds", SIDES, ids=name)
ALL_SIDES = pytest.mark.parametrize("kinds", BOUNDARIES, ids=name)
ALL_FORMS = pytest.mark.parametrize("forms", FORMS, ids="-".join)


def in_double(arrays):
    return type(arrays)(*(a.astype(np.float64) for a in arrays))


def compare(inputs, cotangent, mesh, steps, split, close):
    """Forward and adjoint of the kernels, in their own dtype, against the reference in float64."""
    got, want = cpu.forward(*split(inputs), mesh, steps), reference.forward(*split(in_double(inputs)), mesh, steps)
    for g, w in zip(got, want, strict=True):
        close(g, w, steps)
    got = cpu.adjoint(cotangent, *split(inputs), mesh, steps)
    want = reference.adjoint(in_double(cotangent), *split(in_double(inputs)), mesh, steps)
    cells = np.prod(np.broadcast_shapes(*(a.shape for a in inputs)), dtype=int)
    for which, g, w, a in zip(Inputs._fields, got, want, inputs, strict=True):
        assert g.dtype == a.dtype, which
        terms = 1 if which in ("now", "old") else steps + 1
        close(g, w, steps, summed=terms * cells // a.size)


@ALL_FORMS
@ALL_SIDES
def test_forward_and_adjoint_equal_the_reference(kinds, forms, make_inputs, split, assert_rounding_close):
    inputs = make_inputs((2, 5, 4))
    cotangent = Levels(*make_inputs((2, 5, 4))[:2])
    for steps in STEPS:
        for raw in FILTERS.values():
            mesh = Mesh(0.2, 0.9, 1.2, kinds, *forms, raw)
            compare(inputs, cotangent, mesh, steps, split, assert_rounding_close)


@ALL_SIDES
def test_single_precision_too(kinds, make_inputs, split, assert_rounding_close):
    inputs = make_inputs((3, 7, 6), np.float32)
    cotangent = Levels(*make_inputs((3, 7, 6), np.float32)[:2])
    for steps in (2, 17):
        for forms in FORMS[::2]:
            mesh = Mesh(0.2, 0.9, 1.2, kinds, *forms, Filter(0.2))
            compare(inputs, cotangent, mesh, steps, split, assert_rounding_close)


@SOME_SIDES
@pytest.mark.parametrize("plane", PLANES, ids=str)
def test_planes_of_any_shape(plane, kinds, make_inputs, split, assert_rounding_close):
    """Also those too thin for two Dirichlet walls, which Grid refuses: the raw arrays have no such limit."""
    inputs = make_inputs((2, 3, *plane))
    cotangent = Levels(*make_inputs((2, 3, *plane))[:2])
    for forms in FORMS[::2]:
        for raw in (Filter(), Filter(0.2)):
            compare(inputs, cotangent, Mesh(0.2, 0.9, 1.2, kinds, *forms, raw), 17, split, assert_rounding_close)


BROADCAST = {
    "scalars": (),
    "per channel": (3, 1, 1),
    "shared plane": (5, 4),
    "row vector": (1, 4),
    "column vector": (5, 1),
}


@SOME_SIDES
@pytest.mark.parametrize("pattern", BROADCAST)
def test_broadcast_inputs_get_their_sums(pattern, kinds, make_inputs, split, assert_rounding_close):
    """A velocity given as one number still turns its sign at a wall: its neighbours there are no longer equal to it."""
    cotangent = Levels(*make_inputs((2, 3, 5, 4))[:2])
    for forms in FORMS:
        mesh = Mesh(0.2, 0.9, 1.2, kinds, *forms, Filter(0.2))
        for fields in (dict.fromkeys(Fields._fields, BROADCAST[pattern]), {"u": BROADCAST[pattern], "Dy": ()}):
            inputs = make_inputs((2, 3, 5, 4), **fields)
            compare(inputs, cotangent, mesh, 3, split, assert_rounding_close)


@SOME_SIDES
def test_only_what_is_wanted_is_computed(kinds, make_inputs, split):
    inputs = make_inputs((2, 5, 4), u=(), Dx=(5, 4))
    y = make_inputs((2, 5, 4)).now
    for raw in (Filter(), Filter(0.2)):
        mesh = Mesh(0.2, 0.9, 1.2, kinds, "skew", "flux", raw)
        full = cpu.adjoint(y, *split(inputs), mesh, 5)
        padded = cpu.adjoint(Levels(y, np.zeros_like(y)), *split(inputs), mesh, 5)
        for which in range(7):
            wanted = [n == which for n in range(7)]
            some = cpu.adjoint(y, *split(inputs), mesh, 5, wanted)
            np.testing.assert_array_equal(some[which], full[which])
            np.testing.assert_array_equal(padded[which], full[which])
            assert not any(s.size for s, w in zip(some, wanted, strict=True) if not w)


@ALL_FORMS
@ALL_SIDES
def test_the_reference_adjoint_is_the_derivative(kinds, forms, make_inputs, split):
    """By a complex step: the derivative of the forward run without cancellation, to rounding."""
    inputs, direction = make_inputs((3, 4)), make_inputs((3, 4))
    cotangent = Levels(*direction[:2])
    for raw in FILTERS.values():
        mesh = Mesh(0.2, 0.9, 1.2, kinds, *forms, raw)
        gradients = reference.adjoint(cotangent, *split(inputs), mesh, 5)
        for which, gradient in zip(Inputs._fields, gradients, strict=True):
            moved = inputs._replace(**{which: getattr(inputs, which) + 1e-30j * getattr(direction, which)})
            moved = Inputs(*(a.astype(np.complex128) for a in moved))
            out = reference.forward(*split(moved), mesh, 5)
            slope = sum(np.sum(level.imag * y) for level, y in zip(out, cotangent, strict=True)) / 1e-30
            assert np.sum(gradient * getattr(direction, which)) == pytest.approx(slope, rel=1e-12, abs=1e-12), which


@pytest.mark.parametrize("backend", ["numpy", "cpu"])
@ALL_SIDES
def test_dot_test(backend, kinds, make_inputs, split):
    """<F x, y> = <x, F' y> for the map from (H[0], H[-1], source and wall values) to (H[K], H[K-1])."""
    inputs, engine = make_inputs((2, 7, 5)), backends.get(backend)
    y = Levels(*make_inputs((2, 7, 5))[:2])
    for steps, raw in product((1, 2, 18, 40), FILTERS.values()):
        mesh = Mesh(0.2, 0.9, 1.2, kinds, "skew", "flux", raw)
        out, g = engine.forward(*split(inputs), mesh, steps), engine.adjoint(y, *split(inputs), mesh, steps)
        left = np.sum(out.now * y.now) + np.sum(out.old * y.old)
        right = np.sum(inputs.now * g.now) + np.sum(inputs.old * g.old) + np.sum(inputs.source * g.source)
        assert left == pytest.approx(right, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("kinds", [k for k in BOUNDARIES if "dirichlet" in k and fits(k, (5, 4))], ids=name)
def test_the_gradient_of_a_wall_value_lies_in_the_source_and_nowhere_else(kinds, make_inputs, split):
    inputs = make_inputs((5, 4))
    y = Levels(*make_inputs((5, 4))[:2])
    g = cpu.adjoint(y, *split(inputs), Mesh(0.2, 0.9, 1.2, kinds, "product", "laplacian"), 4)
    rows = [i for i, kind in ((0, kinds[0]), (-1, kinds[1])) if kind == "dirichlet"]
    columns = [j for j, kind in ((0, kinds[2]), (-1, kinds[3])) if kind == "dirichlet"]
    for i, j in [*((i, slice(None)) for i in rows), *((slice(None), j) for j in columns)]:
        assert np.all(g.Dx[i, j] == 0)
        assert np.all(g.Dy[i, j] == 0)
        assert np.all(g.old[i, j] == 0)
        assert np.any(g.source[i, j] != 0)
