"""Fields made by one operation in training: the parts' values, gradients and running statistics."""

import copy

import pytest
import torch
from torch import nn

from nnbridge import GlobalLayer, learned_fields

# In one worker: each would compile the same kernels.
pytestmark = pytest.mark.xdist_group("learned layer")

SHAPES = [(4, 3, 6, 5), (2, 3, 1, 7), (3, 3, 7, 1), (5, 3, 1, 1), (2, 3, 32, 32), (3, 3, 28, 28), (2, 3, 17, 40)]
# Larger than what an allocator keeps at hand: scratch that is freed too early is no longer there.
LARGE = [(1, 3, 256, 250), (1, 3, 1100, 700)]
TOLERANCE = {torch.float64: 1e-11, torch.float32: 2e-4}


def pair(dtype=torch.float64, channels=3, **choices):
    """A layer as training leaves one, and the same with its parts run one by one."""
    torch.manual_seed(0)
    layer = GlobalLayer(channels, norm_eps=1e-3, **choices).to(dtype)
    for part in layer.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.weight, -0.5, 1.5)
            nn.init.uniform_(part.bias, -0.4, 0.6)
    apart = copy.deepcopy(layer)
    apart.coefficients.register_forward_hook(lambda *_: None)
    return layer, apart


def images(shape, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(dtype)


def step(layer, x):
    x = x.clone().requires_grad_()
    made = layer._learned(x)
    weight = torch.rand(made.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64).to(made.dtype)
    gradients = torch.autograd.grad((made * weight).sum(), [x, *layer.coefficients.parameters()])
    return [made, *gradients, *layer.coefficients.buffers()]


def compare(layer, apart, x, tolerance):
    assert learned_fields.applies(layer, x)
    assert not learned_fields.applies(apart, x)
    for _ in range(2):  # running statistics move twice
        for got, want in zip(step(layer, x), step(apart, x), strict=True):
            scale = max(1.0, float(want.detach().abs().max()))
            torch.testing.assert_close(got / scale, want / scale, rtol=0, atol=tolerance)


@pytest.mark.parametrize("choices", [{}, {"velocity": "none"}, {"diffusivity": 0.5}], ids=str)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_gradients_and_statistics_are_those_of_the_parts(shape, dtype, choices):
    compare(*pair(dtype, **choices), images(shape, dtype), TOLERANCE[dtype])


@pytest.mark.parametrize("shape", LARGE, ids=str)
def test_large_planes(shape):
    compare(*pair(), images(shape), 1e-11)


def test_a_layer_with_a_block_before_it():
    compare(*pair(init="pointwise"), images(SHAPES[0]), 1e-11)


def test_inputs_that_are_not_contiguous():
    layer, apart = pair()
    turned = images((4, 6, 5, 3)).permute(0, 3, 1, 2)
    assert not turned.is_contiguous()
    compare(layer, apart, turned, 1e-11)


def test_gradients_of_every_tensor():
    convolution, norm, _ = pair()[0].coefficients
    given = images((2, 3, 4, 5)), convolution.weight, norm.weight, norm.bias
    given = [t.detach().clone().requires_grad_() for t in given]

    def fields(*tensors):
        return learned_fields._Fields.apply(*tensors, norm)

    assert torch.autograd.gradcheck(fields, given)


def test_a_mean_far_from_zero_costs_no_digits():
    layer, apart = pair(torch.float32)
    x = images((8, 3, 16, 16), torch.float32) + 1000
    compare(layer, apart, x, 5e-3)
    large = images((1, 3, 256, 256), torch.float32) + 1000
    exact = copy.deepcopy(pair(torch.float32)[0]).double()
    # Without a number to subtract gamma's error would be 2e-5.
    gammas = [
        step(each, x)[3].detach().double() for each, x in ((pair(torch.float32)[0], large), (exact, large.double()))
    ]
    assert float((gammas[0] - gammas[1]).norm() / gammas[1].norm()) < 2e-6
    exact = copy.deepcopy(pair(torch.float32)[0]).double()
    # A number that rounding may bring over the ReLU's kink has two right gradients, and so have its nine neighbours.
    kinks = nn.functional.max_pool2d(
        (copy.deepcopy(exact).coefficients[:2](large.double()).abs() < 1e-3).double(), 3, 1, 1
    )
    clear = kinks.unflatten(1, (3, 4)).amax(2) == 0
    assert clear.double().mean() > 0.95
    found = list(zip(step(pair(torch.float32)[0], large), step(exact, large.double()), strict=True))
    found[1] = found[1][0][clear], found[1][1][clear]
    for got, want in found:
        torch.testing.assert_close(got.double(), want.double(), rtol=1e-3, atol=5e-3 * float(want.detach().abs().max()))
    exact, _ = pair(torch.float64)
    exact._learned(x.double())
    layer, _ = pair(torch.float32)
    layer._learned(x)
    torch.testing.assert_close(
        layer.coefficients[1].running_var.double(), exact.coefficients[1].running_var, rtol=1e-4, atol=0
    )


def test_a_gradient_far_from_zero_costs_no_digits():
    """Sums of the gradient times the image, from which its mean is subtracted afterwards."""
    x = images((64, 3, 32, 32), torch.float32)
    found = []
    for each, seen in ((pair(torch.float32)[0], x), (copy.deepcopy(pair(torch.float32)[0]).double(), x.double())):
        made = each._learned(seen)
        noise = torch.randn(made.shape, generator=torch.Generator().manual_seed(3)).to(made.dtype)
        found.append(torch.autograd.grad(made, list(each.coefficients.parameters()), 1 + 0.01 * noise))
    for got, want in zip(*found, strict=True):
        assert float((got - want).norm() / want.norm()) < 1e-5


def test_threads_change_no_bit():
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            results.append(step(pair(torch.float32)[0], images((16, 3, 32, 32), torch.float32)))
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_a_norm_without_statistics():
    layer, apart = pair()
    for each in (layer, apart):
        each.coefficients[1] = nn.BatchNorm2d(12, eps=1e-3, track_running_stats=False).double()
    compare(layer, apart, images(SHAPES[0]), 1e-11)


def test_under_autocast_the_fields_are_computed_in_single_precision():
    layer, apart = pair(torch.float32)
    x = images(SHAPES[0], torch.float32).to(torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        assert learned_fields.applies(layer, x)
        got = layer._learned(x)
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, apart._learned(x.float()), rtol=0, atol=1e-5)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_not_finite_stays_in_its_channel(bad):
    layer, apart = pair()
    x = images(SHAPES[0])
    x[0, 0, 0, 0] = bad
    for got, want in zip(step(layer, x), step(apart, x), strict=True):
        assert torch.equal(torch.isnan(got), torch.isnan(want))
    assert not torch.isnan(layer._learned(x)[:, 4:]).any()


def test_a_norm_that_does_not_track_leaves_its_statistics():
    layer, _ = pair()
    norm = layer.coefficients[1]
    norm.track_running_stats = False
    before = [buffer.clone() for buffer in norm.buffers()]
    assert learned_fields.applies(layer, images(SHAPES[0]))
    layer._learned(images(SHAPES[0]))
    assert all(torch.equal(a, b) for a, b in zip(before, norm.buffers(), strict=True))
    norm.track_running_stats, norm.num_batches_tracked = True, None
    layer._learned(images(SHAPES[0]))
    assert not torch.equal(before[0], norm.running_mean)


def test_a_traced_graph_holds_the_parts():
    layer, _ = pair()
    x, other = images(SHAPES[0]), images(SHAPES[0]) + 1
    graph = torch.fx.experimental.proxy_tensor.make_fx(lambda t: layer._learned(t))(x)
    torch.testing.assert_close(graph(other), layer._learned(other))


def test_a_subclass_with_an_evolution_of_its_own_keeps_its_derivatives():
    class Other(GlobalLayer):
        def _evolve(self, x, made):
            return x * made.unflatten(1, (3, 4)).sum(2)

    x = images(SHAPES[0]).requires_grad_()
    (gradient,) = torch.autograd.grad(Other(3).double()(x).sum(), x, create_graph=True)
    gradient.square().sum().backward()
    assert torch.isfinite(x.grad).all()


def test_tensors_that_numpy_cannot_see_go_through_the_parts():
    layer, apart = pair()
    x = torch._neg_view(images(SHAPES[0]))
    torch.testing.assert_close(layer._learned(x), apart._learned(x))
    assert not learned_fields.applies(layer.to("meta"), images(SHAPES[0]))


def test_a_hook_on_the_initial_state_is_heard():
    layer, seen = pair()[0], []
    layer.init.register_forward_hook(lambda *_: seen.append(1))
    want = pair()[0](images(SHAPES[0]))
    torch.testing.assert_close(layer(images(SHAPES[0])), want)
    assert seen == [1]


@pytest.mark.parametrize(
    "change",
    [
        lambda layer: layer.eval(),
        lambda layer: layer.coefficients[0].register_forward_hook(lambda *_: None),
        lambda layer: layer.coefficients[1].register_full_backward_hook(lambda *_: None),
        lambda layer: layer.coefficients.__setitem__(2, nn.Softplus()),
        lambda layer: layer.coefficients[1].eval(),
        lambda layer: setattr(layer.coefficients[1], "momentum", None),
        lambda layer: setattr(layer, "backend", "torch"),
        lambda layer: layer.float(),
    ],
)
def test_the_parts_run_where_they_would_give_something_else(change):
    layer, _ = pair()
    change(layer)
    assert not learned_fields.applies(layer, images(SHAPES[0]))


def test_transforms_and_tracing_see_the_parts():
    layer, x = pair()[0], images(SHAPES[0])
    seen = []
    torch.func.vmap(lambda t: seen.append(learned_fields.applies(layer, t)) or t)(x[None])
    with torch.autograd.forward_ad.dual_level():
        seen.append(learned_fields.applies(layer, x))
    assert seen == [False, False]


def test_one_number_a_channel_is_refused_by_torch_itself():
    layer, _ = pair()
    with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
        layer(torch.rand(1, 3, 1, 1, dtype=torch.float64))


def test_only_the_input_and_the_weights_are_kept():
    layer, _ = pair(torch.float32)
    x = images((16, 3, 32, 32), torch.float32).requires_grad_()
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        layer._learned(x)
    convolution, norm, _ = layer.coefficients
    assert [t.numel() for t in kept] == [t.numel() for t in (x, convolution.weight, norm.weight, norm.bias)]
