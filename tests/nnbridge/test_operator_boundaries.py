"""Boundaries, forms and filter through the bridge: kernel = plain torch = NumPy, values and all gradients."""

import numpy as np
import pytest
import torch
from scheme_kinds import BOUNDARIES, FORMS, name

from nnbridge import diffusion_advection
from solver import RAW, Dirichlet, Sides, reference
from solver.records import Fields, Inputs, Levels, Mesh
from solver.walls import on_walls

MESH = {"dt": 0.2, "dx": 0.9, "dy": 1.2}
FORM_NAMES = ("advection", "diffusion")


def sides_of(kinds):
    values = {"north": 0.3, "south": -0.7, "west": [0.1, 0.2, 0.3, 0.4, 0.5], "east": 1.5}
    return Sides(
        **{side: Dirichlet(values[side]) if k == "dirichlet" else k for side, k in zip(values, kinds, strict=True)}
    )


def run(inputs, backend, steps, **choices):
    out = diffusion_advection(*inputs, steps=steps, backend=backend, **MESH, **choices)
    weight = torch.rand(out.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(out)
    return out, torch.autograd.grad((out * weight).sum(), inputs, materialize_grads=True)


@pytest.mark.parametrize("forms", FORMS, ids="-".join)
@pytest.mark.parametrize("kinds", BOUNDARIES, ids=name)
def test_the_kernel_plain_torch_and_numpy_agree(kinds, forms, make_tensors, assert_rounding_close):
    inputs, sides = make_tensors((2, 5, 4), u=(5, 4), Dy=()), sides_of(kinds)
    for steps, raw in ((4, None), (18, RAW(0.3, 0.6)), (1, RAW())):
        choices = dict(zip(FORM_NAMES, forms, strict=True)) | {"boundary": sides, "filter": raw}
        fast, fast_gradients = run(inputs, "cpu", steps, **choices)
        plain, plain_gradients = run(inputs, "torch", steps, **choices)
        assert_rounding_close(fast.detach().numpy(), plain.detach().numpy(), steps)
        for which, t, g, w in zip(Inputs._fields, inputs, fast_gradients, plain_gradients, strict=True):
            terms = 1 if which in ("now", "old") else steps + 1
            assert_rounding_close(g.numpy(), w.numpy(), steps, summed=terms * fast.numel() // t.numel())

        h, h_prev, f, u, v, Dx, Dy = (t.detach().numpy() for t in inputs)
        held = [on_walls(a, sides, (5, 4)) for a in (h, h_prev, f)]
        mesh = Mesh(*MESH.values(), sides.kinds, *forms, *([raw.after(1)] if raw else []))
        want = reference.forward(Levels(*held[:2]), Fields(u, v, Dx, Dy, held[2]), mesh, steps).now
        assert_rounding_close(fast.detach().numpy(), want, steps)


@pytest.mark.parametrize("boundary", ["no-flux", Dirichlet(0.5), sides_of(("no-flux", "dirichlet") * 2)], ids=str)
@pytest.mark.parametrize("backend", ["cpu", "torch"])
def test_single_precision(backend, boundary, make_tensors):
    double = make_tensors((2, 3, 5, 5), requires_grad=False)
    single = [t.float() for t in double]
    choices = {"steps": 18, "boundary": boundary, "advection": "skew", "filter": RAW(), "backend": backend}
    got = diffusion_advection(*single, **MESH, **choices)
    assert got.dtype == torch.float32
    want = diffusion_advection(*double, **MESH, **choices)
    torch.testing.assert_close(got.double(), want, rtol=0, atol=2e-5)


@pytest.mark.parametrize("backend", ["cpu", "torch"])
def test_the_defaults_are_the_published_forms_without_filter(backend, make_tensors):
    inputs = make_tensors((2, 5, 4), requires_grad=False)
    out = diffusion_advection(*inputs, steps=5, backend=backend, **MESH)
    named = {"boundary": "periodic", "advection": "product", "diffusion": "laplacian", "filter": None}
    assert torch.equal(out, diffusion_advection(*inputs, steps=5, backend=backend, **MESH, **named))


@pytest.mark.parametrize("backend", ["cpu", "torch"])
def test_walls_hold_from_the_first_level_on(backend, make_tensors):
    inputs = make_tensors((2, 5, 4), requires_grad=False)
    for steps in (0, 1, 4):
        out = diffusion_advection(*inputs, steps=steps, boundary=sides_of(("dirichlet",) * 4), backend=backend, **MESH)
        want = np.broadcast_to([[0.3] * 4, [0.2, 0, 0, 1.5], [0.3, 0, 0, 1.5], [0.4, 0, 0, 1.5], [-0.7] * 4], (2, 5, 4))
        edge = np.ones((5, 4), bool)
        edge[1:-1, 1:-1] = False
        np.testing.assert_array_equal(out.numpy()[:, edge], want[:, edge])


@pytest.mark.parametrize("backend", ["cpu", "torch"])
def test_the_filter_is_never_on_in_the_first_step(backend, make_tensors):
    inputs = make_tensors((2, 5, 4), requires_grad=False)
    for steps, same in ((1, True), (2, False)):
        plain, filtered = (
            diffusion_advection(*inputs, steps=steps, backend=backend, filter=f, **MESH) for f in (None, RAW())
        )
        assert torch.equal(plain, filtered) == same


def test_a_plane_of_one_cell_between_mirrors_stays(make_tensors):
    """Nothing crosses its four walls: without source the only cell keeps its value."""
    inputs = make_tensors((2, 1, 1), requires_grad=False)
    for backend in ("cpu", "torch"):
        out = diffusion_advection(
            *inputs._replace(source=0.0, old=inputs.now, u=0.0, v=0.0),
            steps=7,
            boundary="no-flux",
            backend=backend,
            **MESH,
        )
        torch.testing.assert_close(out, inputs.now, rtol=1e-14, atol=1e-14)


H = torch.zeros(2, 3, 4)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"boundary": 3}, TypeError, r"`boundary` is a int: it takes 'periodic', 'no-flux' or Dirichlet"),
        ({"boundary": "walls"}, ValueError, r"`boundary` is 'walls': it takes 'periodic', 'no-flux'"),
        ({"boundary": Sides(west=Dirichlet(torch.zeros(4)), east="no-flux")}, ValueError,
         r"`boundary` west has values of shape \(4,\): it takes a number or \(\.\.\., 3\)"),
        ({"boundary": Sides("no-flux", Dirichlet([1.0, 2.0, 3.0]))}, ValueError,
         r"`boundary` south has values of shape \(3,\): it takes a number or \(\.\.\., 4\)"),
        ({"boundary": Dirichlet("hot")}, TypeError, r"`boundary` (north|west) has values"),
        ({"h": torch.zeros(2, 2, 4), "h_prev": torch.zeros(2, 2, 4), "boundary": Dirichlet(0.0)}, ValueError,
         r"`shape` has 2 rows, of which 2 would lie on Dirichlet walls"),
        ({"advection": "upwind"}, ValueError, r"`advection` is 'upwind': it takes 'product', 'skew', 'flux'"),
        ({"diffusion": "cross"}, ValueError, r"`diffusion` is 'cross': it takes 'laplacian', 'flux'"),
        ({"filter": 0.2}, TypeError, r"`filter` is a float: it takes solver\.RAW"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("backend", ["cpu", "torch"])
def test_errors_name_the_argument_and_what_it_takes(changes, error, message, backend):
    arguments = {"h": H, "h_prev": H, "source": 0.0, "u": 0.1, "v": 0.1, "Dx": 0.1, "Dy": 0.1, "steps": 1, "dt": 0.2}
    with pytest.raises(error, match=message):
        diffusion_advection(**(arguments | {"backend": backend} | changes))


@pytest.mark.parametrize("backend", ["cpu", "torch"])
@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_autocast_does_not_round_the_values_of_walls_to_half(half, backend):
    h = torch.ones(1, 1, 4, 3, dtype=half)
    with torch.autocast("cpu", torch.bfloat16):
        got = diffusion_advection(
            h, h, 0.0, 0.0, 0.0, 0.1, 0.1, steps=2, dt=0.1, boundary=Dirichlet(0.1), backend=backend
        )
    assert got.dtype == torch.float32
    assert torch.equal(got[..., 0, :], torch.full((1, 1, 3), 0.1))


def test_leading_dimensions_of_a_wall_that_do_not_fit_are_named():
    h = torch.ones(1, 3, 4, 5)
    walls = Sides(north=Dirichlet(torch.zeros(2, 5)), south="no-flux")
    with pytest.raises(ValueError, match=r"`boundary` north has values with the leading dimensions \(2,\)"):
        diffusion_advection(h, h, 0.0, 0.0, 0.0, 0.1, 0.1, steps=1, dt=0.1, boundary=walls)


def test_a_wall_that_is_not_finite_is_refused():
    h = torch.ones(4, 5)
    with pytest.raises(ValueError, match=r"`boundary` west has values that are not finite"):
        diffusion_advection(h, h, 0.0, 0.0, 0.0, 0.1, 0.1, steps=1, dt=0.1, boundary=Dirichlet(np.nan))


def test_sides_with_tensors_can_be_printed_and_compared():
    value = torch.zeros(5, requires_grad=True)
    sides = Sides(north=Dirichlet(value), south="no-flux")
    assert "H a Tensor of shape (5,)" in repr(sides)
    assert sides == Sides(north=Dirichlet(value), south="no-flux")
    assert hash(sides) == hash(Sides(north=Dirichlet(value), south="no-flux"))
