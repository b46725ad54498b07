"""Symmetries of the scheme, for every backend, boundary, form, filter and dtype: linear, moved, mirrored, turned."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scheme_cases import cases, seeds

from solver import backends
from solver.records import Inputs

BACKENDS = pytest.mark.parametrize("backend", [backends.get("numpy"), backends.get("cpu")], ids=lambda b: b.NAME)
PERIOD, MIRROR = ("periodic", "periodic"), ("no-flux", "no-flux")


@BACKENDS
@given(case=cases(), a=st.floats(-2, 2), b=st.floats(-2, 2), seed=seeds)
def test_linear_in_the_state_the_source_and_the_walls(backend, case, a, b, seed):
    """On Dirichlet walls the source plane holds their values."""
    rng = np.random.default_rng(seed)
    names = ("now", "old", "source")
    first = {name: getattr(case.inputs, name) for name in names}
    second = {name: rng.uniform(-1, 1, value.shape) for name, value in first.items()}
    both = {name: a * first[name] + b * second[name] for name in names}
    one, two = case.run(backend).now.astype(float), case.run(backend, **second).now.astype(float)
    scale = 2 * max(np.abs(one).max(), np.abs(two).max(), 1)
    case.close(case.run(backend, **both).now, a * one + b * two, scale)


@BACKENDS
@given(case=cases(), shift=st.tuples(st.integers(-9, 9), st.integers(-9, 9)))
def test_translation_along_every_period(backend, case, shift):
    moved_by = tuple(
        n if ends == PERIOD else 0
        for n, ends in zip(shift, (case.mesh.boundary[:2], case.mesh.boundary[2:]), strict=True)
    )
    case = case.full()
    moved = case.map(lambda a: np.roll(a, moved_by, (-2, -1)))
    np.testing.assert_array_equal(moved.run(backend).now, np.roll(case.run(backend).now, moved_by, (-2, -1)))


@BACKENDS
@given(case=cases())
@pytest.mark.parametrize(("axis", "component"), [(-2, "u"), (-1, "v")], ids=["x", "y"])
def test_mirror(backend, axis, component, case):
    """x -> -x with u -> -u: the sides of the axis change places."""
    case = case.full()
    north, south, west, east = case.mesh.boundary
    swapped = (south, north, west, east) if axis == -2 else (north, south, east, west)
    mirrored = case.map(lambda a: np.flip(a, axis)).on(boundary=swapped)
    reversed_flow = {component: -getattr(mirrored.inputs, component)}
    case.close(mirrored.run(backend, **reversed_flow).now, np.flip(case.run(backend).now, axis))


@BACKENDS
@given(case=cases())
def test_transpose(backend, case):
    """x <-> y with u <-> v, Dx <-> Dy, north <-> west, south <-> east."""
    case = case.full()
    turned = {name: np.swapaxes(getattr(case.inputs, name), -1, -2) for name in Inputs._fields}
    turned |= {"u": turned["v"], "v": turned["u"], "Dx": turned["Dy"], "Dy": turned["Dx"]}
    north, south, west, east = case.mesh.boundary
    other = case.on(dx=case.mesh.dy, dy=case.mesh.dx, boundary=(west, east, north, south))
    case.close(other.run(backend, **turned).now, np.swapaxes(case.run(backend).now, -1, -2))


@BACKENDS
@given(case=cases(axes=[PERIOD, MIRROR]))
def test_no_flux_is_the_period_of_the_mirrored_plane(backend, case):
    case = case.full()
    doubled, kinds = case, case.mesh.boundary
    for axis, across, ends in ((-2, "u", kinds[:2]), (-1, "v", kinds[2:])):
        if ends == MIRROR:
            changes = {
                n: np.concatenate([a, np.flip(-a if n == across else a, axis)], axis)
                for n, a in doubled.inputs._asdict().items()
            }
            doubled = doubled.but(**changes)
    rows, columns = case.inputs.now.shape[-2:]
    got, want = case.run(backend), doubled.on(boundary=(*PERIOD, *PERIOD)).run(backend)
    for g, w in zip(got, want, strict=True):
        case.close(g, w[..., :rows, :columns])


@BACKENDS
@given(case=cases(axes=[PERIOD]), numbers=st.tuples(*[st.floats(-0.5, 0.5)] * 2, *[st.floats(0, 1)] * 2))
def test_all_forms_are_one_scheme_where_nothing_varies(backend, case, numbers):
    constant = dict(zip(("u", "v", "Dx", "Dy"), numbers, strict=True))
    other = case.on(advection="product", diffusion="laplacian")
    case.close(case.run(backend, **constant).now, other.run(backend, **constant).now)


@BACKENDS
@given(case=cases())
def test_a_step_of_skew_lies_half_way_between_product_and_flux(backend, case):
    one = case.on(raw=case.mesh.raw._replace(nu=0.0))
    results = [
        backend.forward(*one.arguments, one.on(advection=form).mesh, 1).now for form in ("product", "skew", "flux")
    ]
    case.close(results[1], (results[0] + results[2]) / 2)
