"""The torch operator on a GPU: derivatives, streams, graphs, autocast."""

import pytest
import torch

from nnbridge import GlobalLayer, diffusion_advection

MESH = {"dt": 0.2, "dx": 0.9, "dy": 1.2}


def tensors(shape, dtype=torch.float64, grad=True):
    generator = torch.Generator().manual_seed(7)
    drawn = [torch.rand(shape, generator=generator, dtype=dtype).cuda() for _ in range(7)]
    return [t.requires_grad_(grad) for t in drawn]


def evolve(inputs, steps, backend="cuda"):
    return diffusion_advection(*inputs, steps=steps, backend=backend, **MESH)


@pytest.mark.parametrize("steps", [1, 2, 5, 20])
@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (2, 2, 32, 32), (1, 2, 56, 56), (1, 1, 112, 112), (1, 1, 224, 224)])
def test_values_and_gradients_equal_plain_torch(shape, steps):
    inputs = tensors(shape)
    weight = torch.rand(shape, dtype=torch.float64).cuda()
    found = []
    for backend in ("cuda", "torch"):
        out = evolve(inputs, steps, backend)
        found.append([out, *torch.autograd.grad((out * weight).sum(), inputs, materialize_grads=True)])
    for got, want in zip(*found, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-10, atol=1e-10)


def test_derivatives_and_the_contract_of_an_operator():
    inputs = tensors((2, 2, 4, 5))
    assert torch.autograd.gradcheck(lambda *t: evolve(t, 3), inputs)
    plain = (3, 0.2, 0.9, 1.2, ["periodic"] * 4, "product", "laplacian", 0.0, 0.53)
    torch.library.opcheck(torch.ops.pdebridge.evolve.default, (*inputs, *plain))


def test_another_stream_is_followed():
    inputs = tensors((64, 32, 32), torch.float32, grad=False)
    want, stream = evolve(inputs, 5), torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        torch.cuda._sleep(10_000_000)
        moved = [t + 0 for t in inputs]
        got = evolve(moved, 5)
    stream.synchronize()
    torch.testing.assert_close(got, want, rtol=0, atol=0)


def test_a_graph_captures_forward_and_backward():
    inputs = tensors((16, 32, 32), torch.float32)
    weight = torch.rand(16, 32, 32).cuda()

    def step():
        out = evolve(inputs, 5)
        return [out, *torch.autograd.grad((out * weight).sum(), inputs)]

    warm = torch.cuda.Stream()
    with torch.cuda.stream(warm):
        want = [t.clone() for t in step()]
    warm.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        kept = step()
    graph.replay()
    for got, expected in zip(kept, want, strict=True):
        torch.testing.assert_close(got, expected, rtol=0, atol=0)


def test_compiled_with_reduced_overhead():
    inputs = tensors((16, 16, 16), torch.float32, grad=False)
    compiled = torch.compile(lambda *t: evolve(t, 5), mode="reduce-overhead")
    for _ in range(3):
        torch.testing.assert_close(compiled(*inputs).clone(), evolve(inputs, 5), rtol=0, atol=0)


def test_autocast_and_a_scaled_loss_train_a_layer():
    torch.manual_seed(0)
    layer = GlobalLayer(8, steps=5, backend="cuda").cuda()
    optimiser, scaler = torch.optim.SGD(layer.parameters(), 1e-2), torch.amp.GradScaler("cuda")
    x = torch.rand(4, 8, 16, 16).cuda()
    losses = []
    for _ in range(5):
        with torch.autocast("cuda", torch.float16):
            loss = (layer(x) - 0.5).square().mean()
        optimiser.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optimiser)
        scaler.update()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
