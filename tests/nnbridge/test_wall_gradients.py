"""Gradients with boundaries, forms and filter: gradcheck of inputs and walls' values, and torch's own checks."""

import pytest
import torch
from scheme_kinds import FORMS

from nnbridge import diffusion_advection
from solver import RAW, Dirichlet, Sides
from solver.records import Inputs

MESH = {"dt": 0.2, "dx": 0.9, "dy": 1.2}
LENGTH = {"north": 4, "south": 4, "west": 3, "east": 3}
BOUNDARIES = {
    "no-flux": "no-flux",
    "walls": Dirichlet(0.4),
    "mixed": Sides("no-flux", Dirichlet(0.3), Dirichlet(-0.2), "no-flux"),
    "a channel": Sides(Dirichlet(0.3), Dirichlet([0.1, 0.2, 0.3, 0.4]), "periodic", "periodic"),
}
BACKENDS = pytest.mark.parametrize("backend", ["cpu", "torch"])


def values(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64).requires_grad_()


@pytest.mark.parametrize("name", Inputs._fields)
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_gradcheck_of_each_input_alone(boundary, name, make_tensors):
    inputs = Inputs(*(t.detach() for t in make_tensors((2, 3, 4), v=(3, 4), Dx=())))
    x = getattr(inputs, name).requires_grad_()
    choices = {"boundary": BOUNDARIES[boundary], "advection": "skew", "diffusion": "flux", "filter": RAW()}
    assert torch.autograd.gradcheck(
        lambda t: diffusion_advection(*inputs._replace(**{name: t}), steps=3, backend="cpu", **MESH, **choices), (x,)
    )


@pytest.mark.parametrize("forms", FORMS, ids="-".join)
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_gradcheck_of_all_inputs_together(boundary, forms, make_tensors):
    choices = {"boundary": BOUNDARIES[boundary], "advection": forms[0], "diffusion": forms[1]}
    for steps, raw in ((2, None), (18, RAW())):
        assert torch.autograd.gradcheck(
            lambda *t, k=steps, raw=raw: diffusion_advection(*t, steps=k, filter=raw, backend="cpu", **MESH, **choices),
            tuple(make_tensors((2, 3, 4))),
            fast_mode=True,
        )


@BACKENDS
@pytest.mark.parametrize("kind", ["number", "value per cell", "number per channel", "value per cell and channel"])
@pytest.mark.parametrize("side", LENGTH)
def test_gradcheck_of_the_values_of_one_wall(side, kind, backend, make_tensors):
    inputs = make_tensors((2, 2, 3, 4), requires_grad=False)
    n = LENGTH[side]
    shape = {"number": (), "value per cell": (n,), "number per channel": (2, 1), "value per cell and channel": (2, n)}
    opposite = {"north": "south", "south": "north", "west": "east", "east": "west"}[side]

    def evolve(value):
        sides = Sides(**{side: Dirichlet(value), opposite: "no-flux"})
        return diffusion_advection(*inputs, steps=3, boundary=sides, filter=RAW(), backend=backend, **MESH)

    assert torch.autograd.gradcheck(evolve, (values(*shape[kind]),))


@BACKENDS
def test_all_four_walls_get_their_gradients_at_once(backend, make_tensors):
    """Corners belong to the rows: the columns' values there have no influence, and a gradient of zero."""
    inputs = make_tensors((3, 4), requires_grad=False)
    walls = [values(n) for n in LENGTH.values()]

    def evolve(*walls):
        sides = Sides(*(Dirichlet(value) for value in walls))
        return diffusion_advection(*inputs, steps=4, boundary=sides, advection="flux", backend=backend, **MESH)

    assert torch.autograd.gradcheck(evolve, walls)
    north, south, west, east = torch.autograd.grad(evolve(*walls).square().sum(), walls)
    assert all(g.abs().max() > 0 for g in (north, south, west, east))
    for g in (west, east):
        assert g[0] == g[-1] == 0


@BACKENDS
def test_one_value_on_all_sides_gets_the_sum(backend, make_tensors):
    inputs = make_tensors((2, 5, 4), requires_grad=False)
    value = values()

    def total(*four):
        sides = Sides(*(Dirichlet(v) for v in four))
        return diffusion_advection(*inputs, steps=4, boundary=sides, backend=backend, **MESH).square().sum()

    (whole,) = torch.autograd.grad(total(value, value, value, value), value)
    apart = [value.detach().clone().requires_grad_() for _ in range(4)]
    torch.testing.assert_close(whole, sum(torch.autograd.grad(total(*apart), apart)), rtol=1e-12, atol=1e-12)
    (short,) = torch.autograd.grad(
        diffusion_advection(*inputs, steps=4, boundary=Dirichlet(value), backend=backend, **MESH).square().sum(), value
    )
    torch.testing.assert_close(short, whole, rtol=1e-12, atol=1e-12)


@BACKENDS
def test_what_a_wall_replaces_has_no_gradient(backend, make_tensors):
    inputs = make_tensors((5, 4))
    out = diffusion_advection(*inputs, steps=4, boundary=Dirichlet(0.5), backend=backend, **MESH)
    gradients = Inputs(*torch.autograd.grad(out.square().sum(), inputs))
    inside = torch.zeros(5, 4, dtype=torch.bool)
    inside[1:-1, 1:-1] = True
    for name in ("now", "old", "source"):
        assert torch.all(getattr(gradients, name)[~inside] == 0)
        assert torch.all(getattr(gradients, name)[inside] != 0)


@BACKENDS
def test_descent_on_a_wall_finds_its_value(backend, make_tensors):
    """An inverse problem of one number: the value of the wall from the field after ten steps, by Newton's step."""
    inputs = make_tensors((5, 4), requires_grad=False)

    def field(value):
        sides = Sides(Dirichlet(value), "no-flux")
        return diffusion_advection(*inputs, steps=10, boundary=sides, backend=backend, **MESH)

    target = field(torch.tensor(0.7, dtype=torch.float64))
    value = torch.zeros((), dtype=torch.float64, requires_grad=True)
    misfit = (field(value) - target).square().sum()
    (slope,) = torch.autograd.grad(misfit, value)
    # The field is affine in the value, the misfit a parabola with its minimum 0: one step of 2 misfit / slope is exact.
    assert (value - 2 * misfit / slope).item() == pytest.approx(0.7, abs=1e-12)


@pytest.mark.parametrize("raw", [(0.0, 0.53), (0.2, 0.53)], ids=["no filter", "filter"])
@pytest.mark.parametrize("sides", [["no-flux"] * 4, ["dirichlet"] * 4, ["periodic"] * 2 + ["dirichlet", "no-flux"]])
def test_opcheck_with_boundaries(sides, raw, make_tensors):
    plain = (3, 0.2, 0.9, 1.2, sides, "skew", "flux", *raw)
    inputs = make_tensors((2, 3, 4), u=(2, 1, 1), Dx=())
    torch.library.opcheck(torch.ops.pdebridge.evolve.default, (*inputs, *plain))
    inputs = [t.detach() for t in inputs]
    wanted = [True, False, False, True, False, True, False]
    torch.library.opcheck(torch.ops.pdebridge.evolve_adjoint.default, (inputs[0], *inputs, *plain, wanted))


def test_forward_mode_and_double_backward_in_plain_torch(make_tensors):
    inputs = tuple(make_tensors((2, 3)))
    for boundary in ("no-flux", Sides(west=Dirichlet(0.3), east="no-flux")):

        def evolve(*t, boundary=boundary):
            choices = {"boundary": boundary, "advection": "skew", "diffusion": "flux", "filter": RAW()}
            return diffusion_advection(*t, steps=2, backend="torch", **MESH, **choices)

        assert torch.autograd.gradgradcheck(evolve, inputs, atol=1e-6, fast_mode=True)
        assert torch.autograd.gradcheck(evolve, inputs, check_forward_ad=True, fast_mode=True)
