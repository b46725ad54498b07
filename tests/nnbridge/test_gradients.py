"""The gradients are derivatives: gradcheck, the dot test, Taylor slopes, and torch's own operator checks."""

import numpy as np
import pytest
import torch

from nnbridge import diffusion_advection
from solver.records import Inputs

MESH = {"dt": 0.2, "dx": 0.9, "dy": 1.2}
# What the operator takes after the steps: dt, dx, dy, the four sides, the forms, nu and alpha of the filter.
PLAIN = (0.2, 1.0, 1.0, ["periodic"] * 4, "product", "laplacian", 0.0, 0.53)
PATTERNS = {
    "per cell": {},
    "scalar": dict.fromkeys(("u", "v", "Dx", "Dy", "source"), ()),
    "per channel": dict.fromkeys(("u", "v", "Dx", "Dy", "source"), (2, 1, 1)),
    "vectors": {"u": (3, 1), "v": (1, 4), "Dx": (1, 4), "Dy": (3, 1), "source": (1, 1)},
}


def evolve(*inputs, steps=3, backend="cpu"):
    return diffusion_advection(*inputs, steps=steps, backend=backend, **MESH)


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("name", Inputs._fields)
def test_gradcheck_of_each_input_alone(name, pattern, make_tensors):
    inputs = Inputs(*(t.detach() for t in make_tensors((1, 2, 3, 4), **PATTERNS[pattern])))
    x = getattr(inputs, name).requires_grad_()
    assert torch.autograd.gradcheck(lambda t: evolve(*inputs._replace(**{name: t})), (x,))


@pytest.mark.parametrize("steps", [0, 1, 3, 18])
@pytest.mark.parametrize("shape", [(1, 2, 3, 4), (2, 1, 3), (1, 1)])
def test_gradcheck_of_all_inputs_together(shape, steps, make_tensors):
    assert torch.autograd.gradcheck(
        lambda *t: evolve(*t, steps=steps), tuple(make_tensors(shape)), fast_mode=steps == 18
    )


@pytest.mark.parametrize("steps", [0, 1, 5, 20])
def test_dot_test(steps, make_tensors):
    """<F x, y> = <x, F' y>: the result is linear in (h, h_prev, source)."""
    inputs = make_tensors((2, 3, 7, 5))
    y = make_tensors((2, 3, 7, 5), requires_grad=False).now
    out = evolve(*inputs, steps=steps)
    gradients = torch.autograd.grad(out, inputs[:3], y)
    right = sum((x * g).sum() for x, g in zip(inputs[:3], gradients, strict=True))
    torch.testing.assert_close((out * y).sum(), right, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["u", "v", "Dx", "Dy"])
@pytest.mark.parametrize("steps", [2, 20])
def test_taylor_remainder_falls_at_order_two(name, steps, make_tensors):
    """|J(x + e d) - J(x)| ~ e but |J(x + e d) - J(x) - e J'(x) d| ~ e^2, with J nonlinear in the fields."""
    inputs = make_tensors((2, 3, 7, 5))
    x = getattr(inputs, name)
    direction = torch.rand(x.shape, generator=torch.Generator().manual_seed(1), dtype=x.dtype)

    def J(t):
        return evolve(*inputs._replace(**{name: t}), steps=steps).square().sum()

    value = J(x)
    (gradient,) = torch.autograd.grad(value, x)
    slope = (gradient * direction).sum().item()
    sizes = 1e-2 / 2.0 ** np.arange(5)
    with torch.no_grad():
        change = np.array([(J(x + e * direction) - value).item() for e in sizes])
    for remainder, order in ((change, 1), (change - sizes * slope, 2)):
        observed = np.log2(np.abs(remainder[:-1] / remainder[1:]))
        assert np.abs(observed[-2:] - order).max() < 0.15, observed


@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.parametrize("requires_grad", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_opcheck_of_the_operator(steps, requires_grad, dtype, make_tensors):
    inputs = make_tensors((1, 2, 3, 4), dtype, requires_grad, u=(2, 1, 1), Dx=())
    torch.library.opcheck(torch.ops.pdebridge.evolve.default, (*inputs, steps, *PLAIN))


@pytest.mark.parametrize("wanted", [[True] * 7, [True, False, False, True, False, True, False], [False] * 7])
def test_opcheck_of_the_adjoint_operator(wanted, make_tensors):
    inputs = make_tensors((1, 2, 3, 4), requires_grad=False, u=(2, 1, 1), Dx=())
    torch.library.opcheck(
        torch.ops.pdebridge.evolve_adjoint.default,
        (inputs.now, *inputs, 3, *PLAIN, wanted),
    )


@pytest.mark.parametrize("steps", [1, 3])
def test_gradients_accumulate_over_two_calls(steps, make_tensors):
    """The layer applied twice with shared fields: the chain rule through the operator."""
    inputs = make_tensors((1, 2, 3, 4))

    def twice(h, h_prev, source, u, v, Dx, Dy):
        once = evolve(h, h_prev, source, u, v, Dx, Dy, steps=steps)
        return evolve(once, h, source, v, u, Dy, Dx, steps=steps)

    assert torch.autograd.gradcheck(twice, tuple(inputs), fast_mode=True)


def test_functorch_differentiates_the_plain_path(make_tensors):
    inputs = make_tensors((2, 3, 4), requires_grad=False)

    def J(u):
        return diffusion_advection(*inputs._replace(u=u), steps=3, backend="torch", **MESH).square().sum()

    u = inputs.u.clone().requires_grad_()
    (want,) = torch.autograd.grad(J(u), u)
    torch.testing.assert_close(torch.func.grad(J)(inputs.u), want, rtol=1e-12, atol=1e-12)
