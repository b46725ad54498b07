"""torch.compile traces the operator whole and changes no number."""

import pytest
import torch

from nnbridge import GlobalLayer, diffusion_advection

MESH = {"dt": 0.2, "dx": 0.9, "dy": 1.2}


@pytest.fixture(autouse=True)
def forget_what_was_compiled():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def evolve(h, h_prev, source, u, v, Dx, Dy):
    # The operations around the kernel are what a compiler may fuse and reorder.
    out = diffusion_advection(torch.relu(h), h_prev, source, u.tanh(), v, Dx.exp(), Dy, steps=3, **MESH)
    return out.sigmoid()


def values_and_gradients(function, inputs):
    out = function(*inputs)
    return out, *torch.autograd.grad(out.square().sum(), inputs)


@pytest.mark.parametrize("shapes", [{}, {"u": (3, 1, 1), "Dx": (), "source": (5, 4)}], ids=["per cell", "broadcast"])
def test_the_traced_function_gives_the_same_bits(shapes, make_tensors):
    inputs = make_tensors((2, 3, 5, 4), torch.float32, **shapes)
    compiled = torch.compile(evolve, fullgraph=True, backend="aot_eager")
    got, want = (values_and_gradients(f, inputs) for f in (compiled, evolve))
    for g, w in zip(got, want, strict=True):
        assert torch.equal(g, w)


def test_a_second_shape_is_traced_as_well(make_tensors):
    compiled = torch.compile(evolve, fullgraph=True, backend="aot_eager")
    for shape in ((2, 3, 5, 4), (4, 3, 5, 4), (4, 3, 7, 9)):
        inputs = make_tensors(shape, torch.float32)
        for g, w in zip(values_and_gradients(compiled, inputs), values_and_gradients(evolve, inputs), strict=True):
            assert torch.equal(g, w)


def test_the_traced_layer_trains_the_same(make_tensors):
    torch.manual_seed(0)
    layer = GlobalLayer(3, steps=2)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    x = make_tensors((4, 3, 5, 4), torch.float32).now
    gradients = []
    for function in (layer, compiled):
        layer.zero_grad()
        function(x).square().sum().backward()
        gradients.append([p.grad.clone() for p in layer.parameters()])
    for a, b in zip(*gradients, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-6)


def test_inductor_gives_the_same_numbers(make_tensors):
    inputs = make_tensors((2, 3, 5, 4), torch.float64)
    compiled = torch.compile(evolve, fullgraph=True)
    got, want = (values_and_gradients(f, inputs) for f in (compiled, evolve))
    for g, w in zip(got, want, strict=True):
        torch.testing.assert_close(g, w, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("backend", ["auto", "torch"])
def test_a_layer_exports(backend):
    """With plain torch the exported graph needs nothing of this package; with the kernel it holds the operator."""
    layer = GlobalLayer(3, steps=2, backend=backend).eval()
    x = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    exported = torch.export.export(layer, (x,))
    assert torch.equal(exported.module()(x), layer(x))
    assert ("pdebridge" in str(exported.graph)) == (backend == "auto")
