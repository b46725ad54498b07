"""GlobalLayer between walls that nothing crosses, and in other forms: a NumPy formula, repr, errors, tracing."""

import numpy as np
import pytest
import torch

from nnbridge import GlobalLayer, diffusion_advection
from solver import Dirichlet, Sides

C = 3


def beyond(a, axis, shift, sign):
    """The neighbour at index + shift; beyond the wall the edge cell, times `sign`."""
    width = [(0, 0)] * a.ndim
    width[axis] = (1, 1)
    padded = np.pad(a, width, "edge")
    edges = [slice(None)] * a.ndim
    for edge in (0, -1):
        edges[axis] = edge
        padded[tuple(edges)] *= sign
    return np.take(padded, np.arange(a.shape[axis]) + 1 + shift, axis)


def no_flux_steps(x, f, fields, steps, dt, shares):
    """The update in fluxes: whatever the form, the velocity across a wall is odd, all else even."""
    u, v, Dx, Dy = (t.detach().numpy() for t in fields[:4])
    s, d = shares
    now, old = x, x
    for _ in range(steps):
        explicit, b = f.copy(), 0.0
        for speed, D, axis in ((u, Dx, -2), (v, Dy, -1)):
            div = (beyond(speed, axis, 1, -1) - beyond(speed, axis, -1, -1)) / 2
            explicit = explicit - (1 - s) * div * now
            for shift in (-1, 1):
                there = (1 - s) * speed + s * beyond(speed, axis, shift, -1)
                face = (1 - d) * D + d * beyond(D, axis, shift, 1)
                explicit = explicit + (face - shift * there / 2) * beyond(now, axis, shift, 1)
                b = b + dt * face
        now, old = ((1 - b) * old + 2 * dt * explicit) / (1 + b), now
    return now


@pytest.mark.parametrize(
    ("advection", "diffusion", "shares"),
    [("product", "laplacian", (0, 0)), ("skew", "laplacian", (0.5, 0)), ("flux", "flux", (1, 0.5))],
)
@pytest.mark.parametrize("backend", ["cpu", "torch"])
def test_the_layer_between_walls_is_a_formula(x, make_layer, backend, advection, diffusion, shares):
    layer = make_layer(steps=4, boundary="no-flux", advection=advection, diffusion=diffusion, backend=backend).eval()
    h = no_flux_steps(x.numpy(), x.numpy(), layer.fields(x), 4, 0.2, shares)
    norm = layer.output[0]
    scaled = (h - norm.running_mean.numpy()[:, None, None]) / np.sqrt(norm.running_var.numpy() + C)[:, None, None]
    parameters = (p.detach().numpy()[:, None, None] for p in (norm.weight, norm.bias))
    weight, bias = parameters
    np.testing.assert_allclose(layer(x).detach().numpy(), np.maximum(scaled * weight + bias, 0), rtol=0, atol=1e-12)


def test_walls_change_the_layer_at_the_edge_first(x, make_layer):
    """One step: only the outermost cells see the wall; the fields come from the same convolutions."""
    periodic, walled = (make_layer(steps=1, boundary=b).eval() for b in ("periodic", "no-flux"))
    difference = (periodic(x) - walled(x)).abs().amax(dim=(0, 1))
    assert difference[1:-1, 1:-1].max() == 0
    edge = torch.cat([difference[0], difference[-1], difference[:, 0], difference[:, -1]])
    assert (edge > 0).all()


def test_the_divergence_that_fields_shows_is_that_of_the_walls(x, make_layer):
    fields = make_layer(boundary="no-flux").fields(x)
    u, v = fields.u.detach().numpy(), fields.v.detach().numpy()
    np.testing.assert_allclose(fields.u_x.detach(), (beyond(u, -2, 1, -1) - beyond(u, -2, -1, -1)) / 2, atol=1e-15)
    np.testing.assert_allclose(fields.v_y.detach(), (beyond(v, -1, 1, -1) - beyond(v, -1, -1, -1)) / 2, atol=1e-15)


def test_without_source_walls_keep_the_sum(x, make_layer):
    """What the layer evolves is conserved with constant diffusivity: nothing crosses its walls."""
    layer = make_layer(steps=5, boundary="no-flux", diffusivity=0.7, source=False)
    u, v, *_ = layer.fields(x)
    zero = torch.zeros((), dtype=torch.float64)
    h = diffusion_advection(x, x, zero, u, v, 0.7, 0.7, steps=5, dt=0.2, boundary="no-flux")
    torch.testing.assert_close(h.sum((-2, -1)), x.sum((-2, -1)), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("advection", ["product", "skew", "flux"])
@pytest.mark.parametrize("diffusion", ["laplacian", "flux"])
def test_kernel_and_plain_torch_train_alike(x, make_layer, advection, diffusion):
    results = []
    for backend in ("cpu", "torch"):
        layer = make_layer(steps=5, boundary="no-flux", advection=advection, diffusion=diffusion, backend=backend)
        out = layer(x)
        results.append((out, *torch.autograd.grad(out.square().sum(), list(layer.parameters()))))
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-11)


def test_the_description_says_what_carries_the_boundary():
    assert "boundary='no-flux' (on cells), advection='skew', diffusion='flux'" in repr(
        GlobalLayer(3, boundary="no-flux", advection="skew", diffusion="flux")
    )
    assert "boundary='periodic' (on cells), advection='product', diffusion='laplacian'" in repr(GlobalLayer(3))


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"boundary": "dirichlet"}, r"`boundary` is 'dirichlet': it takes 'periodic', 'no-flux'"),
        ({"boundary": Dirichlet(0.0)}, r"`boundary` is .*: it takes 'periodic', 'no-flux'"),
        ({"advection": "upwind"}, r"`advection` is 'upwind': it takes 'product', 'skew', 'flux'"),
        ({"diffusion": "cross"}, r"`diffusion` is 'cross': it takes 'laplacian', 'flux'"),
    ],
)
def test_errors_name_the_choice(choices, message):
    with pytest.raises(ValueError, match=message):
        GlobalLayer(C, **choices)


@pytest.fixture
def traced():
    """Compile with a clean slate, and leave one."""
    torch._dynamo.reset()
    yield lambda function: torch.compile(function, fullgraph=True, backend="aot_eager")
    torch._dynamo.reset()


def test_the_traced_layer_trains_the_same(x, make_layer, traced):
    layer = make_layer(steps=2, boundary="no-flux", advection="skew", diffusion="flux")
    gradients = []
    for function in (layer, traced(layer)):
        layer.zero_grad()
        function(x).square().sum().backward()
        gradients.append([p.grad.clone() for p in layer.parameters()])
    for a, b in zip(*gradients, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("backend", ["cpu", "torch"])
def test_a_traced_function_gives_its_walls_their_gradients(x, traced, backend):
    def loss(h, value):
        sides = Sides(Dirichlet(value), "no-flux")
        return diffusion_advection(
            h, h, 0.1, 0.2, 0.1, 0.3, 0.2, steps=3, dt=0.2, boundary=sides, backend=backend
        ).sum()

    value = torch.full((5,), 0.3, dtype=torch.float64, requires_grad=True)
    got, want = (torch.autograd.grad(f(x, value), value)[0] for f in (traced(loss), loss))
    torch.testing.assert_close(got, want, rtol=1e-12, atol=1e-12)
    assert want.abs().min() > 0
