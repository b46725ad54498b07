"""H[0], H[-1] and the source as one tensor: the kernel's one gradient is the sum of the three."""

import pytest
import torch

from nnbridge import diffusion_advection
from solver import Dirichlet

MESH = {"dt": 0.2, "dx": 0.9, "dy": 1.2}
SHARED = {"h_prev": (True, False), "source": (False, True), "both": (True, True)}
PLAIN = (0.2, 1.0, 1.0, ["periodic"] * 4, "product", "laplacian", 0.0, 0.53)
ALL_SHARED = pytest.mark.parametrize("shared", SHARED)


def arguments(inputs, shared):
    """Return the seven inputs with H[0] itself in the shared places, and with clones of it."""
    previous, source = SHARED[shared]
    h = inputs.now
    same = inputs._replace(old=h if previous else inputs.old, source=h if source else inputs.source)
    clones = inputs._replace(old=h.clone() if previous else inputs.old, source=h.clone() if source else inputs.source)
    return same, clones


@ALL_SHARED
@pytest.mark.parametrize("steps", [0, 1, 2, 5, 6, 20])
@pytest.mark.parametrize("plane", [(1, 1), (1, 5), (5, 1), (3, 5), (8, 8), (17, 33)])
def test_one_gradient_is_the_sum_of_three(plane, steps, shared, make_tensors):
    inputs = make_tensors((2, 3, *plane))
    results = []
    for tensors in arguments(inputs, shared):
        out = diffusion_advection(*tensors, steps=steps, **MESH)
        fields = [t for t in inputs[3:] if steps]
        results.append((out, *torch.autograd.grad(out.square().sum(), [inputs.now, *fields])))
    assert torch.equal(results[0][0], results[1][0])
    for got, want in zip(*results, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-13, atol=1e-13)


@ALL_SHARED
@pytest.mark.parametrize("boundary", ["no-flux", Dirichlet(0.3)])
@pytest.mark.parametrize("advection", ["product", "skew"])
@pytest.mark.parametrize("steps", [1, 3])
def test_between_walls_too(boundary, advection, steps, shared, make_tensors):
    inputs = make_tensors((2, 5, 4))
    choices = {"steps": steps, "boundary": boundary, "advection": advection}
    results = []
    for tensors in arguments(inputs, shared):
        out = diffusion_advection(*tensors, **choices, **MESH)
        results.append(torch.autograd.grad(out.square().sum(), [inputs.now, *inputs[3:]]))
    for got, want in zip(*results, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-13, atol=1e-13)


@ALL_SHARED
@pytest.mark.parametrize("shapes", [{"now": (3, 1, 1)}, {"now": (5, 4)}, {"now": (), "u": (3, 1, 1)}])
def test_a_shared_tensor_may_broadcast(shapes, shared, make_tensors):
    inputs = make_tensors((2, 3, 5, 4), **shapes)
    results = []
    for tensors in arguments(inputs, shared):
        out = diffusion_advection(*tensors, steps=3, **MESH)
        results.append(torch.autograd.grad(out.square().sum(), inputs.now)[0])
    assert results[0].shape == inputs.now.shape
    torch.testing.assert_close(*results, rtol=1e-12, atol=1e-12)


@ALL_SHARED
def test_autocast_and_gradients_of_the_fields_alone(shared, make_tensors):
    inputs = make_tensors((2, 3, 5, 4), torch.float32)
    frozen = inputs._replace(now=inputs.now.detach().bfloat16(), old=inputs.old.detach(), source=inputs.source.detach())
    results = []
    for tensors in arguments(frozen, shared):
        with torch.autocast("cpu", torch.bfloat16):
            out = diffusion_advection(*tensors, steps=3, **MESH)
        results.append(torch.autograd.grad(out.square().sum(), inputs[3:]))
    for got, want in zip(*results, strict=True):
        assert torch.equal(got, want)


@ALL_SHARED
def test_gradcheck_and_opcheck(shared, make_tensors):
    inputs = make_tensors((1, 2, 3, 4))
    previous, source = SHARED[shared]
    assert torch.autograd.gradcheck(
        lambda h, *fields: diffusion_advection(
            h, h if previous else inputs.old, h if source else inputs.source, *fields, steps=3, **MESH
        ),
        (inputs.now, *inputs[3:]),
    )
    none = inputs._replace(old=None if previous else inputs.old, source=None if source else inputs.source)
    torch.library.opcheck(torch.ops.pdebridge.evolve.default, (*none, 3, *PLAIN))
    wanted = [t is not None for t in none]
    plain = [t if t is None else t.detach() for t in none]
    torch.library.opcheck(torch.ops.pdebridge.evolve_adjoint.default, (plain[0], *plain, 3, *PLAIN, wanted))


def test_a_traced_function_sees_that_they_are_one(make_tensors):
    inputs = make_tensors((2, 3, 5, 4), torch.float32)

    def layer(h, u, v, Dx, Dy):
        h = torch.relu(h)
        return diffusion_advection(h, h, h, u.tanh(), v, Dx.exp(), Dy, steps=3, **MESH)

    graphs = []

    def keep(graph, _):
        graphs.append(graph)
        return graph

    torch._dynamo.reset()
    compiled = torch.compile(layer, fullgraph=True, backend=keep)
    leaves = [inputs.now, *inputs[3:]]
    results = [torch.autograd.grad(f(*leaves).square().sum(), leaves) for f in (layer, compiled)]
    for got, want in zip(*results, strict=True):
        assert torch.equal(got, want)
    (call,) = [node for node in graphs[0].graph.nodes if "evolve" in str(node.target)]
    assert call.args[1] is None
    assert call.args[2] is None
    torch._dynamo.reset()
