"""The norm over all processes, where there is one: names, gradients, evaluation. Two: see test_distributed."""

import copy
import sys

import pytest
import torch
from torch import distributed, nn

from nnbridge import GlobalLayer, learned_fields, models
from nnbridge.training.synced_norm import SyncedNorm, synchronise

CPU = torch.device("cpu")


@pytest.fixture
def alone(monkeypatch):
    """A group of processes with this one in it."""
    if sys.platform == "linux":
        monkeypatch.setenv("GLOO_SOCKET_IFNAME", "lo")
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def norm(dtype=torch.float64, **choices):
    torch.manual_seed(0)
    made = nn.BatchNorm2d(3, **choices).to(dtype)
    for parameter in made.parameters():
        nn.init.uniform_(parameter, -1.0, 1.5)
    return made


def test_weights_statistics_and_their_names_are_kept():
    network = models.create("resnet-tiny-global")
    before = network.state_dict(keep_vars=True)
    after = synchronise(network, CPU).state_dict(keep_vars=True)
    assert list(after) == list(before)
    assert all(after[name] is before[name] for name in before)
    norms = [part for part in network.modules() if isinstance(part, nn.BatchNorm2d)]
    assert {type(part) for part in norms} == {SyncedNorm}
    assert {part.eps for part in norms} == {1e-5, 5.0, 10.0, 15.0}  # those of a layer are its channels


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_single_precision_and_autocast(alone, dtype):
    ours, plain = synchronise(nn.Sequential(norm(torch.float32)), CPU), norm(torch.float32)
    x = 3 + torch.randn(6, 3, 9, 7).to(dtype)
    one, other = x.clone().requires_grad_(), x.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype is torch.bfloat16):
        made, expected = ours(one), plain(other)
    weight = torch.randn(made.shape)
    assert made.dtype == expected.dtype
    torch.testing.assert_close(made, expected)
    for got, want in zip(
        torch.autograd.grad((made * weight).sum(), [one, *ours.parameters()]),
        torch.autograd.grad((expected * weight).sum(), [other, *plain.parameters()]),
        strict=True,
    ):
        assert got.dtype == want.dtype
        torch.testing.assert_close(got, want, rtol=1e-2 if dtype is torch.bfloat16 else 1e-5, atol=1e-4)
    torch.testing.assert_close(list(ours.buffers()), list(plain.buffers()))


def test_gradients(alone):
    ours = synchronise(nn.Sequential(norm()), CPU)
    x = torch.randn(2, 3, 3, 2, dtype=torch.float64, requires_grad=True)
    given = x, *(p.detach().clone().requires_grad_() for p in ours.parameters())
    names = [name for name, _ in ours.named_parameters()]
    assert torch.autograd.gradcheck(
        lambda x, *weights: torch.func.functional_call(ours, dict(zip(names, weights, strict=True)), (x,)), given
    )


@pytest.mark.parametrize("momentum", [0.3, None])
def test_running_statistics(alone, momentum):
    """With None they are means over all batches."""
    ours, plain = synchronise(nn.Sequential(norm(momentum=momentum)), CPU)[0], norm(momentum=momentum)
    for _ in range(3):
        x = 1 + torch.randn(5, 3, 4, 6, dtype=torch.float64)
        torch.testing.assert_close(ours(x), plain(x))
    for got, want in zip(ours.buffers(), plain.buffers(), strict=True):
        torch.testing.assert_close(got, want)


def test_a_second_derivative_is_refused(alone):
    ours = synchronise(nn.Sequential(norm()), CPU)
    x = torch.randn(5, 3, 4, 6, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(ours(x).pow(3).sum(), x, create_graph=True)
    with pytest.raises(NotImplementedError, match="train in one process"):
        torch.autograd.grad(gradient.sum(), x)


def test_evaluation_asks_no_other_process():
    plain = norm()
    plain(torch.randn(5, 3, 4, 4, dtype=torch.float64))
    ours, x = synchronise(nn.Sequential(copy.deepcopy(plain)), CPU), torch.randn(2, 3, 4, 4, dtype=torch.float64)
    assert torch.equal(ours.eval()(x), plain.eval()(x))


def test_one_number_a_channel_is_refused(alone):
    with pytest.raises(ValueError, match="Expected more than 1 value per channel when training"):
        synchronise(nn.Sequential(norm()), CPU)(torch.rand(1, 3, 1, 1, dtype=torch.float64))


def test_a_layer_s_fields_are_then_made_by_their_parts(alone):
    torch.manual_seed(0)
    layer, x = GlobalLayer(3, norm_eps=1e-3), torch.randn(4, 3, 8, 8)
    ours = synchronise(copy.deepcopy(layer), CPU)
    assert learned_fields.applies(layer, x)
    assert not learned_fields.applies(ours, x)
    torch.testing.assert_close(ours(x), layer(x), rtol=1e-4, atol=1e-5)
