"""A layer in training as one operation: values, gradients and statistics of its parts, and what it keeps."""

import copy
import itertools
import threading

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from nnbridge import GlobalLayer, learned_fields, learned_layer
from solver.cpu import learned_layer as kernel
from solver.cpu.by_cell import Order
from solver.cpu.learned_fields import Norm, centres_of
from solver.cpu.surroundings import Surroundings
from solver.cpu.threads import Team
from solver.records import Filter

# In one worker: each would compile the same kernels.
pytestmark = pytest.mark.xdist_group("learned layer")

SHAPES = [(3, 4, 6, 5), (2, 3, 1, 7), (2, 3, 7, 1), (5, 2, 1, 1), (5, 2, 9, 8), (2, 3, 32, 32), (3, 2, 28, 28)]
CHOICES = [
    {},
    {"velocity": "none"},
    {"diffusivity": "none"},
    {"diffusivity": 1.0},
    {"source": False},
    {"boundary": "no-flux"},
    {"advection": "skew", "diffusion": "flux"},
    {"residual": True},
]
TOLERANCE = {torch.float64: 1e-11, torch.float32: 3e-4}
NOTHING = Surroundings(np.empty(0), np.empty(0))  # a batch that is not looked at


@pytest.fixture
def set_torch_threads():
    """Return what sets the number of torch's threads until the end of a test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def pair(channels, dtype=torch.float64, **choices):
    """A layer as training leaves one, and the same in plain torch."""
    torch.manual_seed(0)
    layer = GlobalLayer(channels, norm_eps=1e-2, **choices).to(dtype)
    for part in layer.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.weight, -0.5, 1.5)
            nn.init.uniform_(part.bias, -0.4, 0.6)
    plain = copy.deepcopy(layer)
    plain.backend = "torch"
    return layer, plain


def images(shape, dtype=torch.float64, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def step(layer, x):
    x = x.clone().requires_grad_()
    made = layer(x)
    made.backward(images(made.shape, made.dtype, seed=2))
    gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in layer.parameters()]
    return [made.detach(), x.grad, *gradients, *layer.buffers()]


def compare(layer, plain, x):
    assert learned_layer.applies(layer, x)
    assert not learned_layer.applies(plain, x)
    for got, want in zip(step(layer, x), step(plain, x), strict=True):
        scale = max(1.0, float(want.abs().max()))
        torch.testing.assert_close(got / scale, want / scale, rtol=0, atol=TOLERANCE[x.dtype])


@pytest.mark.parametrize("steps", [0, 1, 3])
@pytest.mark.parametrize("choices", CHOICES, ids=str)
def test_every_variant_is_that_of_plain_torch(choices, steps):
    compare(*pair(4, steps=steps, **choices), images(SHAPES[0]))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_planes_of_any_shape(shape, dtype):
    """In single precision one step, whose kernels other tests compile as well."""
    compare(*pair(shape[1], dtype, steps=2 if dtype is torch.float64 else 1), images(shape, dtype))


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize(("shape", "groups"), [((17, 3, 6, 5), (16, 32, 51)), ((7, 3, 21, 22), (1, 4, 21))], ids=str)
def test_some_planes_at_a_time_are_all_planes(monkeypatch, shape, groups, steps):
    """One plane, or one pack of small planes, at a time; a few, with the last group not full; and all."""
    found, asked, original = [], [], kernel._learned
    for group in groups:
        monkeypatch.setattr(kernel, "_learned", lambda *a, g=group: asked.append(g) or original(*a)._replace(group=g))
        found.append(step(pair(3, steps=steps)[0], images(shape)))
    # Backward several steps go by images.
    assert asked == [group for group in groups for _ in range(2 if steps == 1 else 1)]
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(other, found[0], strict=True))


@pytest.mark.parametrize(("team", "group"), [(Team(1), 28), (Team(4, pieces=32), 28), (Team(64, pieces=512), 4)])
def test_groups_are_as_large_as_caches_and_threads_allow(team, group):
    layer, _ = pair(4, torch.float32)
    image, filters = learned_fields.arrays(images((512, 4, 24, 24), torch.float32), layer.coefficients[0].weight)
    norm = Norm(*(np.ones((4, 4)) for _ in range(4)), np.empty(0, np.float32), NOTHING)
    assert kernel._learned(image, filters, norm, team, False).group == group
    assert kernel._learned(image[:, :, :4, :4], filters, norm, Team(512, pieces=4096), True).group == 16


def test_the_kernel_refuses_a_filter():
    layer, _ = pair(3)
    filtered = kernel.Equation(layer.parts, layer.mesh._replace(raw=Filter(0.1)), 2)
    image, filters = learned_fields.arrays(images((2, 3, 4, 5)), layer.coefficients[0].weight)
    norm = Norm(*(np.ones((3, 4)) for _ in range(4)), np.empty(0), NOTHING)
    with pytest.raises(ValueError, match="`mesh` has a filter"):
        kernel.forward(np.empty_like(image), image, filters, norm, filtered)


@pytest.mark.parametrize("room", [1, 6_000, 12_000])
def test_planes_that_no_cache_holds_go_by_images(monkeypatch, room):
    """One image at a time, two and four of seven."""
    x = images((7, 3, 6, 5))
    whole = step(pair(3, steps=2)[0], x)
    monkeypatch.setattr(kernel, "ROOM", room)
    monkeypatch.setattr(kernel, "CACHED", 20)
    assert_goes_by_images(monkeypatch, x, whole)


def test_a_plane_that_threads_share_goes_by_images(monkeypatch):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        x = images((1, 1, 160, 150))
        whole = step(pair(1, steps=2)[0], x)
        torch.set_num_threads(1)
        one = step(pair(1, steps=2)[0], x)
        assert all(torch.equal(a, b) for a, b in zip(one, whole, strict=True))
        torch.set_num_threads(2)
        assert_goes_by_images(monkeypatch, x, whole)
    finally:
        torch.set_num_threads(before)


def assert_goes_by_images(monkeypatch, x, whole):
    called, original = [], kernel._forward_by_images
    monkeypatch.setattr(kernel, "_forward_by_images", lambda *a: called.append(1) or original(*a))
    got = step(pair(x.shape[1], steps=2)[0], x)
    assert called == [1]
    assert all(torch.equal(a, b) for a, b in zip(got, whole, strict=True))


def test_gradients_of_every_tensor():
    layer, _ = pair(3, steps=2)
    convolution, norm, _ = layer.coefficients
    equation = kernel.Equation(layer.parts, layer.mesh, layer.steps)
    given = images((2, 3, 4, 5)), convolution.weight, norm.weight, norm.bias
    given = [t.detach().clone().requires_grad_() for t in given]

    def evolve(*tensors):
        return learned_layer._Layer.apply(*tensors, norm, equation)

    assert torch.autograd.gradcheck(evolve, given)


@pytest.mark.parametrize("choices", [{}, {"steps": 3}, {"advection": "flux"}], ids=str)
def test_an_input_without_gradient_gets_none(choices):
    layer, plain = pair(3, **choices)
    for each in (layer, plain):
        each(images((4, 3, 6, 5))).square().sum().backward()
    for p, q in zip(layer.coefficients.parameters(), plain.coefficients.parameters(), strict=True):
        torch.testing.assert_close(p.grad / q.grad.abs().max(), q.grad / q.grad.abs().max(), rtol=0, atol=1e-10)


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("shape", [(17, 3, 6, 5), (7, 3, 21, 22)], ids=str)
def test_images_far_from_zero(shape, steps):
    """Of two of the three channels a number is subtracted; plain torch's own rounding is at 1e-9 here."""
    x = images(shape) + torch.tensor([1000.0, 0.0, -300.0])[:, None, None]
    assert centres_of(x.numpy()).nonzero()[0].tolist() == [0, 2]
    layer, plain = pair(3, steps=steps)
    for got, want in zip(step(layer, x), step(plain, x), strict=True):
        scale = max(1.0, float(want.abs().max()))
        torch.testing.assert_close(got / scale, want / scale, rtol=0, atol=1e-8)


def test_between_forward_and_backward_the_input_and_the_weights_are_kept():
    layer, _ = pair(3, steps=5)
    x = images((4, 3, 6, 5)).requires_grad_()
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        learned_layer.evolve(layer, x)
    convolution, norm, _ = layer.coefficients
    assert [t.numel() for t in kept] == [t.numel() for t in (x, convolution.weight, norm.weight, norm.bias)]


def test_threads_change_no_bit():
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            layer, _ = pair(3, torch.float32)
            x = images((16, 3, 32, 32), torch.float32)
            H = learned_layer.evolve(layer, x.requires_grad_())
            H.backward(images(H.shape, H.dtype, seed=2))
            results.append([H.detach(), x.grad, *(p.grad for p in layer.coefficients.parameters())])
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_under_autocast_it_computes_in_single_precision():
    layer, plain = pair(3, torch.float32)
    x = images((4, 3, 6, 5), torch.float32).to(torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        assert learned_layer.applies(layer, x)
        got = learned_layer.evolve(layer, x)
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, plain._evolve(x.float(), plain.coefficients(x.float())), rtol=0, atol=1e-5)


@pytest.mark.parametrize("made_of", [learned_layer.evolve, learned_fields.make], ids=["layer", "fields"])
@pytest.mark.parametrize("loss", [torch.sum, lambda t: t.square().sum()], ids=["constant gradient", "gradient of H"])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_second_derivatives_are_refused(made_of, loss, layout):
    """Also where the input is reached by another way, and for the weights alone."""
    layer, _ = pair(3)
    x = images((4, 3, 6, 5)).contiguous(memory_format=layout).requires_grad_()
    weights = list(layer.coefficients.parameters())
    (gradient,) = torch.autograd.grad(loss(made_of(layer, x)), x, create_graph=True)
    for target, inputs in ((gradient.sum(), [x]), ((gradient * x).sum(), [x]), (gradient.square().sum(), weights)):
        with pytest.raises(NotImplementedError, match="backend='torch'"):
            torch.autograd.grad(target, inputs, retain_graph=True)
    with pytest.raises(NotImplementedError, match="backend='torch'"):
        gradient.sum().backward()


def test_plain_torch_has_the_second_derivative_that_is_refused():
    _, plain = pair(3)
    x = images((4, 3, 6, 5)).requires_grad_()
    (gradient,) = torch.autograd.grad(plain(x).square().sum(), x, create_graph=True)
    gradient.square().sum().backward()
    assert torch.isfinite(x.grad).all()


def test_inputs_that_are_not_contiguous():
    layer, plain = pair(3, steps=2)
    turned = images((4, 6, 5, 3)).permute(0, 3, 1, 2)
    assert not turned.is_contiguous()
    compare(layer, plain, turned)
    compare(*pair(3), images((4, 3, 6, 5)).contiguous(memory_format=torch.channels_last))


# As many channels as share a line, and more, groups across images; packs and planes; planes too large for it.
BY_CELL = [(3, 16, 12, 20), (5, 20, 16, 16), (3, 48, 8, 8), (2, 24, 1, 7), (7, 17, 9, 8), (3, 16, 40, 41)]


@pytest.mark.parametrize("far", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", BY_CELL, ids=str)
def test_channels_last_are_read_as_they_lie_and_make_the_same_bits(shape, dtype, far, set_torch_threads):
    choices = [{}, {"velocity": "none"}, {"steps": 2}]
    for threads, chosen in itertools.product((1, 3), choices if not far and dtype is torch.float32 else choices[:1]):
        found = []
        for layout in (torch.contiguous_format, torch.channels_last):
            layer, _ = pair(shape[1], dtype, **chosen)
            x = (images(shape, dtype) + 1000.0 * far).contiguous(memory_format=layout).requires_grad_()
            set_torch_threads(threads)
            H = learned_layer.evolve(layer, x)
            H.backward(images(shape, dtype, seed=2).contiguous(memory_format=layout))
            assert H.stride() == x.stride() == x.grad.stride()
            found.append([H.detach(), x.grad, *(p.grad for p in layer.coefficients.parameters())])
        assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_what_is_read_as_it_lies():
    """One published step, of planes of which a cache holds as many as share a line, and as many for each thread."""
    equation = kernel.Equation(pair(3)[0].parts, pair(3)[0].mesh, 1)
    assert [kernel.takes_by_cell(shape, 4, 4, equation, 3) for shape in BY_CELL] == [True] * 5 + [False]
    assert not kernel.takes_by_cell(BY_CELL[0], 4, 4, equation, 4)
    assert not kernel.takes_by_cell(BY_CELL[0], 4, 4, equation._replace(steps=2), 3)
    assert not kernel.takes_by_cell(BY_CELL[0], 4, 4, equation._replace(mesh=pair(3, diffusion="flux")[0].mesh), 3)
    assert kernel.takes_by_cell((1, 16, 32, 32), 4, 4, equation, 1)
    assert not kernel.takes_by_cell((1, 16, 32, 32), 8, 4, equation, 1)
    assert not kernel.takes_by_cell((9, 15, 32, 32), 4, 4, equation, 1)


@pytest.mark.parametrize(
    ("planes", "team", "parts"), [(4, Team(16), 4), (2048, Team(2, pieces=16), 128), (40, Team(2, pieces=16), 20)]
)
def test_threads_share_few_planes_one_by_one(planes, team, parts):
    assert Order.of(np.zeros((planes, 1, 3, 3)), team).parts(planes) == parts


@pytest.mark.parametrize("kept", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("given", [torch.contiguous_format, torch.channels_last])
def test_the_two_formats_may_meet(given, kept):
    """A gradient in the other one than the input, an input that whoever kept it gives back in another."""
    shape, layer = (3, 16, 6, 5), pair(16)[0]
    plain = images(shape).requires_grad_()
    learned_layer.evolve(layer, plain).backward(images(shape, seed=2))
    want, x = plain.grad, images(shape).contiguous(memory_format=torch.channels_last).requires_grad_()

    def unpack(t):
        return t.contiguous(memory_format=kept) if t.ndim == 4 else t

    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, unpack):
        H = learned_layer.evolve(layer, x)
    H.backward(images(shape, seed=2).contiguous(memory_format=given))
    torch.testing.assert_close(x.grad, want, rtol=0, atol=0)


@pytest.mark.parametrize("training", [True, False])
def test_a_network_that_keeps_channels_last_gets_channels_last(training):
    found = []
    for format in (torch.contiguous_format, torch.channels_last):
        layer, _ = pair(3, steps=2)
        layer.train(training)
        x = images((4, 3, 6, 5)).contiguous(memory_format=format).requires_grad_(training)
        with torch.set_grad_enabled(training):
            made = layer._evolved(x) if training else layer(x)
        assert made.is_contiguous(memory_format=format)
        if training:
            made.backward(images(made.shape, made.dtype, seed=2))
            assert x.grad.is_contiguous(memory_format=format)
        found.append((made.detach(), x.grad))
    torch.testing.assert_close(*found, rtol=0, atol=0)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_what_is_not_finite_is_not_hidden(value):
    layer, plain = pair(3, steps=2)
    x = images((4, 3, 6, 5))
    x[1, 2, 3, 4] = value
    for got, want in zip(step(layer, x), step(plain, x), strict=True):
        assert torch.isnan(got).any() == torch.isnan(want).any()


def test_a_norm_without_statistics():
    layer, plain = pair(3)
    for each in (layer, plain):
        each.coefficients[1] = nn.BatchNorm2d(12, eps=1e-2, track_running_stats=False).double()
    compare(layer, plain, images((4, 3, 6, 5)))


def test_without_gradients_statistics_move_all_the_same():
    layer, plain = pair(3, steps=2)
    x = images((4, 3, 6, 5))
    with torch.no_grad():
        torch.testing.assert_close(layer(x), plain(x), rtol=0, atol=1e-11)
    for got, want in zip(layer.buffers(), plain.buffers(), strict=True):
        torch.testing.assert_close(got, want, rtol=0, atol=1e-11)


@pytest.mark.parametrize("reentrant", [True, False])
def test_under_checkpointing_gradients_and_statistics_are_those_of_the_parts(reentrant):
    def run(layer):
        x = images((4, 3, 6, 5)).requires_grad_()
        made = checkpoint(layer, x, use_reentrant=reentrant)
        made.backward(images(made.shape, seed=2))
        return [made.detach(), x.grad, *(p.grad for p in layer.parameters()), *layer.buffers()]

    layer, plain = pair(3, steps=2)
    for got, want in zip(run(layer), run(plain), strict=True):
        torch.testing.assert_close(got, want, rtol=0, atol=1e-10)


def test_two_threads_train_at_the_same_time():
    alone = step(pair(3, steps=2)[0], images((8, 3, 16, 16)))
    found = {}
    threads = [
        threading.Thread(
            target=lambda n=n: found.update({n: [step(pair_, images((8, 3, 16, 16))) for pair_ in ready[n]]})
        )
        for n in range(2)
    ]
    ready = [[pair(3, steps=2)[0] for _ in range(5)] for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for steps in found.values():
        for made in steps:
            for got, want in zip(made, alone, strict=True):
                torch.testing.assert_close(got, want, rtol=0, atol=1e-11)


def hooked(layer):
    layer.coefficients[2].register_forward_hook(lambda *_: None)


def in_plain_torch(layer):
    layer.backend = "torch"


def with_frozen_norm(layer):
    layer.coefficients[1].eval()


@pytest.mark.parametrize("change", [hooked, in_plain_torch, with_frozen_norm])
def test_parts_run_where_they_could_give_something_else(change):
    layer, _ = pair(3)
    x = images((4, 3, 6, 5))
    assert learned_layer.applies(layer, x)
    change(layer)
    assert not learned_layer.applies(layer, x)


def test_a_block_for_the_initial_state_and_an_own_evolution_go_without():
    assert not learned_layer.applies(pair(3, init="pointwise")[0], images((4, 3, 6, 5)))

    class Own(GlobalLayer):
        def _evolve(self, x, made):
            return 2 * super()._evolve(x, made)

    torch.manual_seed(0)
    own = Own(3).double()
    torch.manual_seed(0)
    layer = GlobalLayer(3).double()
    x = images((4, 3, 6, 5))
    torch.testing.assert_close(own._evolved(x), 2 * layer._evolved(x), rtol=0, atol=1e-11)
