"""In evaluation the layer is one pass over its input: the numbers of its parts, and the parts where they are needed."""

import copy
from unittest import mock

import pytest
import torch
from torch import nn
from torch.autograd import forward_ad

from nnbridge import GlobalLayer, fused
from nnbridge.memory_format import format_of

# Sums of nine products and K steps in another order: some tens of roundings of values up to about 10.
TOLERANCE = {torch.float32: 3e-5, torch.float64: 1e-12}


@pytest.fixture
def evaluated(make_layer):
    """Make a layer in evaluation whose statistics and parameters are not those of the start, without gradients."""

    def make(dtype=torch.float64, **choices):
        layer = make_layer(**({"norm_eps": 0.1} | choices))
        generator = torch.Generator().manual_seed(1)
        for name, buffer in layer.named_buffers():
            if name.endswith("running_mean"):
                buffer.copy_(torch.rand(buffer.shape, generator=generator) - 0.5)
            elif name.endswith("running_var"):
                buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.5)
        return layer.to(dtype).eval().requires_grad_(False)

    return make


def image(*shape, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64).to(dtype)


def by_parts(layer, x):
    """The same layer, part by part and in plain torch."""
    with mock.patch.object(layer, "backend", "torch"):
        return layer(x)


def assert_same(layer, x):
    assert fused.applies(layer, x)
    tolerance = TOLERANCE[x.dtype]
    want = by_parts(layer, x)
    got = layer(x)
    torch.testing.assert_close(got, want, rtol=tolerance, atol=tolerance)
    assert got.is_contiguous(memory_format=format_of(x))
    return got


@pytest.mark.parametrize("boundary", ["periodic", "no-flux"])
@pytest.mark.parametrize("velocity", ["depthwise", "none"])
@pytest.mark.parametrize("diffusivity", ["depthwise", "none", 0.7])
@pytest.mark.parametrize("source", [True, False])
def test_every_variant_is_its_parts(evaluated, boundary, velocity, diffusivity, source):
    for steps in (0, 1, 5):
        layer = evaluated(steps=steps, boundary=boundary, velocity=velocity, diffusivity=diffusivity, source=source)
        assert_same(layer, image(2, 3, 6, 5))


@pytest.mark.parametrize("boundary", ["periodic", "no-flux"])
@pytest.mark.parametrize("advection", ["product", "skew", "flux"])
@pytest.mark.parametrize("diffusion", ["laplacian", "flux"])
def test_every_form_is_its_parts(evaluated, boundary, advection, diffusion):
    for steps in (1, 2):
        layer = evaluated(steps=steps, boundary=boundary, advection=advection, diffusion=diffusion, dt=0.05)
        assert_same(layer, image(2, 3, 6, 5))


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("boundary", ["periodic", "no-flux"])
def test_every_shape_of_plane(evaluated, boundary, dtype):
    layers = [evaluated(dtype, steps=steps, dt=0.05, boundary=boundary) for steps in (1, 20)]
    for plane in ((1, 1), (1, 2), (7, 1), (2, 2), (3, 5), (8, 8), (16, 16), (33, 17)):
        for layer in layers:
            assert_same(layer, image(3, 3, *plane, dtype=dtype))


def test_memory_in_any_order(evaluated):
    layer, x = evaluated(steps=2), image(4, 6, 8, 10)
    for seen in (x[:, ::2], x[:, :3].transpose(2, 3), x[:, :3].contiguous(memory_format=torch.channels_last)):
        assert_same(layer, seen)
    assert_same(layer, x[:1, :3].expand(5, 3, 8, 10))


def test_no_image_at_all(evaluated):
    assert assert_same(evaluated(), image(0, 3, 6, 5)).shape == (0, 3, 6, 5)


def test_the_input_is_left_as_it_was(evaluated):
    x = image(2, 3, 6, 5)
    before = x.clone()
    evaluated(steps=5)(x)
    assert torch.equal(x, before)


def test_what_is_not_a_number_is_not_hidden(evaluated):
    x = image(2, 3, 9, 9)
    x[0, 1, 4, 4] = float("nan")
    x[1, 2, 0, 0] = float("inf")
    got, want = evaluated(steps=2)(x), by_parts(evaluated(steps=2), x)
    assert torch.equal(got.isfinite(), want.isfinite())
    assert got.isnan().any()


@pytest.mark.parametrize("steps", [1, 5])
def test_one_thread_and_two_give_the_same_bits(evaluated, steps):
    layer, x = evaluated(torch.float32, steps=steps), image(16, 3, 33, 17, dtype=torch.float32).repeat(8, 1, 1, 1)
    before, results = torch.get_num_threads(), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        results.append(layer(x))
    torch.set_num_threads(before)
    assert torch.equal(*results)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_autocast_computes_in_float32(evaluated, dtype):
    layer, x = evaluated(torch.float32, steps=2), image(2, 3, 6, 5, dtype=dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert fused.applies(layer, x)
        got, want = layer(x), by_parts(layer, x)
    assert got.dtype == want.dtype == torch.float32
    torch.testing.assert_close(got, layer(x.float()), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(got, want, rtol=0.05, atol=0.05)  # the parts convolve in bfloat16: 8 bits


def test_new_weights_and_statistics_count_at_once(evaluated):
    layer, x = evaluated(), image(2, 3, 6, 5)
    first = layer(x)
    layer.coefficients[0].weight.mul_(2)
    second = assert_same(layer, x)
    other = evaluated()
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other(x), second)
    layer.train()
    layer(3 * x)
    third = assert_same(layer.eval(), x)
    assert not torch.allclose(first, second)
    assert not torch.allclose(second, third)


def test_a_frozen_layer_in_evaluation_is_one_pass_with_gradients_enabled_too(evaluated):
    layer, x = evaluated(), image(2, 3, 6, 5)
    assert fused.applies(layer, x)
    assert not fused.applies(layer, x.requires_grad_())
    with torch.no_grad():
        assert fused.applies(layer.requires_grad_(), x)
    assert not fused.applies(layer, x.detach())


def test_inference_mode(evaluated):
    layer, x = evaluated(), image(2, 3, 6, 5)
    with torch.inference_mode():
        assert_same(layer, x)


def train(layer):
    layer.train()


def train_a_norm(layer):
    layer.coefficients[1].train()


def forget_statistics(layer):
    layer.output[0].running_mean = layer.output[0].running_var = None


def replace_a_part(layer):
    layer.coefficients[2] = nn.Softplus()


def leave_the_output_as_it_is(layer):
    layer.output = nn.Identity()


class Negated(nn.Sequential):
    def forward(self, x):
        return -super().forward(x)


def replace_a_container(layer):
    layer.output = Negated(*layer.output)


def convolve_across_channels(layer):
    layer.coefficients[0] = nn.Conv2d(3, 12, 3, padding=1, bias=False).double().requires_grad_(False)


def wrap_the_edge_in_the_convolution(layer):
    layer.coefficients[0].padding_mode = "circular"
    layer.coefficients[0]._reversed_padding_repeated_twice = [1, 1, 1, 1]


def add_a_bias(layer):
    layer.coefficients[0].bias = nn.Parameter(torch.ones(12).double())


def parametrise(layer):
    nn.utils.parametrizations.weight_norm(layer.coefficients[0])
    layer.requires_grad_(False)


def take_a_method_s_place(layer):
    layer.coefficients[0].forward = lambda x: x.repeat_interleave(4, 1)


def choose_plain_torch(layer):
    layer.backend = "torch"


CHANGES = [
    train,
    train_a_norm,
    forget_statistics,
    replace_a_part,
    leave_the_output_as_it_is,
    replace_a_container,
    convolve_across_channels,
    wrap_the_edge_in_the_convolution,
    add_a_bias,
    parametrise,
    take_a_method_s_place,
    choose_plain_torch,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_changed_layer_runs_part_by_part(evaluated, change):
    layer, x = evaluated(), image(2, 3, 6, 5)
    change(layer)
    twin = copy.deepcopy(layer)  # in training its statistics move
    with mock.patch.object(fused, "evaluate", side_effect=AssertionError("one pass")):
        got = layer(x)
    torch.testing.assert_close(got, by_parts(twin, x), rtol=1e-12, atol=1e-12)


def test_hooks_are_called(evaluated):
    layer, x, called = evaluated(), image(2, 3, 6, 5), []
    for part in (layer.coefficients, layer.coefficients[0], layer.coefficients[1], layer.output, layer.output[1]):
        handles = [
            part.register_forward_hook(lambda *_: called.append("after")),
            part.register_forward_pre_hook(lambda *_: called.append("before")),
        ]
        layer(x)
        for handle in handles:
            handle.remove()
    handle = nn.modules.module.register_module_forward_hook(lambda *_: called.append("any"))
    layer(x)
    handle.remove()
    assert (called.count("before"), called.count("after"), called.count("any")) == (5, 5, 8)
    assert fused.applies(layer, x)


class Still(GlobalLayer):
    """A layer in which nothing moves."""

    def _evolve(self, x, made):
        return x


def test_a_subclass_is_heard(evaluated):
    layer, x = evaluated(steps=2), image(2, 3, 6, 5)
    layer.__class__ = Still
    assert torch.equal(layer(x), layer.output(x))


def test_transforms_and_forward_mode_see_the_parts(evaluated):
    layer, x = evaluated(steps=2), image(2, 3, 6, 5)
    tangent = image(2, 3, 6, 5).flip(0)
    _, got = torch.func.jvp(layer, (x,), (tangent,))
    with mock.patch.object(layer, "backend", "torch"):
        _, want = torch.autograd.functional.jvp(layer, x, tangent)
    torch.testing.assert_close(got, want, rtol=1e-10, atol=1e-10)
    with forward_ad.dual_level():
        dual = layer(forward_ad.make_dual(x, tangent))
        torch.testing.assert_close(forward_ad.unpack_dual(dual).tangent, want, rtol=1e-10, atol=1e-10)
    stacked = torch.func.vmap(layer)(torch.stack([x, 2 * x]))
    torch.testing.assert_close(stacked[1], layer(2 * x), rtol=1e-12, atol=1e-12)
    by_channels = torch.stack([x, 2 * x], -1).contiguous(memory_format=torch.channels_last_3d)
    stacked = torch.func.vmap(layer, in_dims=-1)(by_channels)
    torch.testing.assert_close(stacked[1], layer(2 * x), rtol=1e-12, atol=1e-12)


def test_wrong_channels_are_refused_as_by_the_parts(evaluated):
    with pytest.raises(RuntimeError, match="channels"):
        evaluated()(image(2, 4, 6, 5))
