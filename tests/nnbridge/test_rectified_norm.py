"""BatchNorm, a shortcut and the ReLU behind them as one operation: the same numbers as torch's three."""

import copy

import pytest
import torch
from torch import nn
from torch.autograd import forward_ad
from torch.nn.modules.module import register_module_forward_hook

from nnbridge import GlobalLayer, stages
from nnbridge import rectified_norm as module
from nnbridge.blocks import BasicBlock, in_plain_torch
from nnbridge.models import create
from nnbridge.rectified_norm import NormSequence, applies, rectified_norm

SHAPES = [(4, 1, 28, 28), (3, 5, 7, 9), (2, 3, 1, 1), (1, 2, 6, 1), (16, 3, 8, 8), (2, 3, 70, 71), (3, 70, 9, 11)]


def make_norm(channels, dtype=torch.float64, **choices):
    norm = nn.BatchNorm2d(channels, **choices).to(dtype)
    with torch.no_grad():
        norm.weight.uniform_(-1.5, 1.5)
        norm.bias.normal_()
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
    return norm


def by_parts(norm, x, shortcut=None):
    return torch.relu(norm(x) if shortcut is None else norm(x) + shortcut)


def draw(shape, dtype=torch.float64, **choices):
    return torch.randn(shape, dtype=dtype, **choices)


@pytest.fixture(autouse=True)
def _seeded(monkeypatch):
    """Draw the same numbers, and make small images by the one operation as well."""
    torch.manual_seed(0)
    monkeypatch.setattr(module, "SMALLEST", dict.fromkeys(module.SMALLEST, 0))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-11), (torch.float32, 3e-5)])
@pytest.mark.parametrize("added", [False, True])
@pytest.mark.parametrize("lies", [torch.contiguous_format, torch.channels_last], ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_gradients_and_statistics_are_those_of_torch(shape, lies, added, dtype, tolerance):
    norm = make_norm(shape[1], dtype)
    exact = copy.deepcopy(norm).double()
    x, shortcut = (draw(shape, dtype).contiguous(memory_format=lies).requires_grad_() for _ in range(2))
    shortcut, gradient = shortcut if added else None, draw(shape, dtype)
    assert applies(norm, nn.ReLU(), x, shortcut)
    inputs = [t for t in (x, shortcut) if t is not None]
    doubles = [t.detach().double().requires_grad_() for t in inputs]

    y = rectified_norm(norm, nn.ReLU(), x, shortcut)
    wanted = by_parts(exact, *doubles)
    torch.testing.assert_close(y.double(), wanted, rtol=tolerance, atol=tolerance)
    assert y.is_contiguous(memory_format=lies)
    found = torch.autograd.grad(y, [*inputs, *norm.parameters()], gradient)
    exactly = torch.autograd.grad(wanted, [*doubles, *exact.parameters()], gradient.double())
    for got, want in zip(found, exactly, strict=True):
        scale = max(1.0, float(want.abs().max()))
        torch.testing.assert_close(got.double(), want, rtol=0, atol=5 * tolerance * scale)
    for got, want in zip(norm.buffers(), exact.buffers(), strict=True):
        torch.testing.assert_close(got.double(), want.double(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("added", [False, True])
@pytest.mark.parametrize("frozen", [(), (0,), (1, 2), (0, 1, 2)], ids=str)
def test_gradients_to_second_order_are_those_of_the_numbers(frozen, added):
    norm = make_norm(2)
    x, shortcut = draw((3, 2, 4, 3)), draw((3, 2, 4, 3), requires_grad=True)
    tensors = [x, norm.weight.detach(), norm.bias.detach()]
    for number, tensor in enumerate(tensors):
        tensor.requires_grad_(number not in frozen)
    given = (*tensors, shortcut if added else None)
    norm._parameters.clear()  # gradcheck's own tensors take their place

    def values(*changed):
        norm.weight, norm.bias = changed[1:3]
        return module._RectifiedNorm.apply(*changed, norm)

    if added or len(frozen) < 3:
        assert torch.autograd.gradcheck(values, given, check_batched_grad=True)
        assert torch.autograd.gradgradcheck(values, given)


@pytest.mark.parametrize("added", [False, True])
def test_evaluation_without_gradients(added):
    norm, x = make_norm(3).eval(), draw((4, 3, 5, 6))
    shortcut = draw(x.shape) if added else None
    before = [b.clone() for b in norm.buffers()]
    with torch.no_grad():
        assert applies(norm, None, x, shortcut)
        torch.testing.assert_close(rectified_norm(norm, None, x, shortcut), by_parts(norm, x, shortcut))
    assert all(torch.equal(a, b) for a, b in zip(before, norm.buffers(), strict=True))


def test_an_image_far_from_zero_loses_no_digit_of_the_variance():
    norm, x = make_norm(2, torch.float32), draw((8, 2, 16, 16), torch.float32) + 1000
    momentum_one = copy.deepcopy(norm)
    momentum_one.momentum = 1.0
    rectified_norm(momentum_one, None, x)
    wanted = x.double().var((0, 2, 3))
    torch.testing.assert_close(momentum_one.running_var.double(), wanted, rtol=1e-6, atol=0)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_seen(value):
    norm, x = make_norm(2), draw((2, 2, 3, 3))
    x[0, 1, 1, 1] = value
    wanted = by_parts(copy.deepcopy(norm), x)
    torch.testing.assert_close(rectified_norm(norm, None, x), wanted, equal_nan=True)


@pytest.mark.parametrize("lies", [torch.contiguous_format, torch.channels_last], ids=str)
def test_threads_change_no_bit(lies):
    drawn = [draw((64, 8, 20, 20), torch.float32).contiguous(memory_format=lies) for _ in range(3)]
    (x, shortcut, gradient), runs, before = drawn, [], torch.get_num_threads()
    x.requires_grad_(), shortcut.requires_grad_()
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            torch.manual_seed(1)
            norm = make_norm(8, torch.float32)
            for added in (None, shortcut):
                y = rectified_norm(norm, None, x, added)
                inputs = [x, norm.weight, norm.bias, *([] if added is None else [added])]
                runs.append([y, *torch.autograd.grad(y, inputs, gradient), norm.running_var.clone()])
    finally:
        torch.set_num_threads(before)
    for number, run in enumerate(runs[2:]):
        assert all(torch.equal(a, b) for a, b in zip(run, runs[number % 2], strict=True))


@pytest.mark.parametrize("added", [False, True])
@pytest.mark.parametrize("lies", [torch.contiguous_format, torch.channels_last], ids=str)
def test_what_is_kept_may_come_back_in_another_format(lies, added):
    norm, other = make_norm(3), torch.channels_last if lies == torch.contiguous_format else torch.contiguous_format
    x, shortcut, gradient = (draw((4, 3, 5, 6)).contiguous(memory_format=lies) for _ in range(3))
    x.requires_grad_()
    wanted = torch.autograd.grad(rectified_norm(norm, None, x, shortcut if added else None), x, gradient)

    def turned(tensor):
        return tensor.contiguous(memory_format=other) if tensor.ndim == 4 else tensor

    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: tensor, turned):
        y = rectified_norm(norm, None, x, shortcut if added else None)
    torch.testing.assert_close(torch.autograd.grad(y, x, gradient), wanted)


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_gradient_passes_where_a_shortcut_is_not_a_number(create_graph):
    norm, x, shortcut = make_norm(2), draw((2, 2, 3, 3)), draw((2, 2, 3, 3))
    shortcut[0, 0, 0, 0] = float("nan")
    found = []
    for run in (rectified_norm, lambda norm, _, x, shortcut: by_parts(norm, x, shortcut)):
        s = shortcut.clone().requires_grad_()
        y = run(copy.deepcopy(norm), None, x.requires_grad_(), s)
        found.append(torch.autograd.grad(y, s, torch.ones_like(y), create_graph=create_graph))
    torch.testing.assert_close(*found)


def kept_between(run):
    """Return the sizes of the images that are kept for the backward pass."""
    kept = {}

    def note(tensor):
        if tensor.ndim == 4:
            kept[tensor.data_ptr()] = tensor.numel()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        run()
    return len(kept)


def test_one_image_less_is_kept():
    norm, x = make_norm(3), draw((4, 3, 5, 5), requires_grad=True)
    assert kept_between(lambda: rectified_norm(norm, None, x)) == 1
    assert kept_between(lambda: by_parts(norm, x)) == 2


def test_a_result_may_be_changed_in_place_unless_it_is_kept():
    norm, x, shortcut = make_norm(3), draw((4, 3, 5, 5), requires_grad=True), draw((4, 3, 5, 5))
    wanted = torch.autograd.grad(2 * by_parts(norm, x), x, torch.ones_like(x))
    y = rectified_norm(norm, None, x)
    torch.testing.assert_close(torch.autograd.grad(y.mul_(2), x, torch.ones_like(x)), wanted)
    y = rectified_norm(norm, None, x, shortcut)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.mul_(2).sum().backward()


def hooked(part):
    part.register_forward_hook(lambda *_: None)
    return part


def others():
    """What one operation must leave to the parts: norm, ReLU, x, shortcut."""
    x = draw((4, 3, 5, 6))
    yield "a hook of the norm", hooked(make_norm(3)), nn.ReLU(), x, None
    yield "a hook of the ReLU", make_norm(3), hooked(nn.ReLU()), x, None
    yield "a subclass of the norm", type("OwnNorm", (nn.BatchNorm2d,), {})(3).double(), nn.ReLU(), x, None
    yield "another rectifier", make_norm(3), nn.LeakyReLU(), x, None
    yield "cumulative averages", make_norm(3, momentum=None), nn.ReLU(), x, None
    yield "no weights", nn.BatchNorm2d(3, affine=False).double(), nn.ReLU(), x, None
    yield "evaluation with gradients", make_norm(3).eval(), nn.ReLU(), x, None
    yield "no format", make_norm(3), nn.ReLU(), x.transpose(2, 3), None
    yield "two formats", make_norm(3), nn.ReLU(), x.contiguous(memory_format=torch.channels_last), x
    yield "a shortcut that is broadcast", make_norm(3), nn.ReLU(), x, draw((1, 3, 1, 1))
    yield "a shortcut of other numbers", make_norm(3), nn.ReLU(), x, draw(x.shape, torch.float32)
    yield "another dtype", make_norm(3, torch.bfloat16), nn.ReLU(), x.bfloat16(), None
    yield (
        "a subclass of Tensor",
        make_norm(3),
        nn.ReLU(),
        nn.Buffer(x).as_subclass(type("T", (torch.Tensor,), {})),
        None,
    )


@pytest.mark.parametrize("case", list(others()), ids=lambda case: case[0])
def test_the_parts_run_where_one_operation_would_not_be_the_same(case):
    _, norm, rectify, x, shortcut = case
    assert not applies(norm, rectify, x, shortcut)
    z = copy.deepcopy(norm)(x)
    wanted = rectify(z if shortcut is None else z + shortcut)
    torch.testing.assert_close(rectified_norm(norm, rectify, x, shortcut), wanted, rtol=0, atol=0)


def test_images_that_are_too_small_to_gain_are_left_to_torch(monkeypatch):
    monkeypatch.undo()
    norm, image = make_norm(4), draw((64, 4, 16, 16))
    assert applies(norm, None, image, None)
    assert not applies(norm, None, image[:-1], None)
    assert not applies(norm, None, image.contiguous(memory_format=torch.channels_last), None)


def test_a_norm_of_one_number_is_refused_as_by_torch():
    with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
        rectified_norm(make_norm(3), nn.ReLU(), draw((1, 3, 1, 1)))


def test_transforms_and_forward_mode_and_tracing_see_the_parts():
    norm = nn.BatchNorm2d(3, track_running_stats=False).double()
    x, tangent = draw((4, 3, 5, 6)), draw((4, 3, 5, 6))
    assert applies(norm, nn.ReLU(), x, None)

    def run(x):
        return rectified_norm(norm, nn.ReLU(), x)

    wanted, of_tangent = torch.func.jvp(lambda x: by_parts(norm, x), (x,), (tangent,))
    got, of_ours = torch.func.jvp(run, (x,), (tangent,))
    torch.testing.assert_close((got, of_ours), (wanted, of_tangent))
    with forward_ad.dual_level():
        found = forward_ad.unpack_dual(run(forward_ad.make_dual(x, tangent))).tangent
    torch.testing.assert_close(found, of_tangent)
    traced = torch.jit.trace(NormSequence(norm, nn.ReLU()), x, check_trace=False)
    assert "batch_norm" in str(traced.inlined_graph)


def test_a_sequence_has_the_names_and_numbers_of_torchs_own():
    parts = [
        nn.Conv2d(3, 4, 3, bias=False),
        make_norm(4, torch.float32),
        nn.ReLU(),
        nn.Conv2d(4, 2, 1),
        nn.BatchNorm2d(2),
    ]
    ours, plain = NormSequence(*parts), nn.Sequential(*copy.deepcopy(parts))
    assert list(ours.state_dict()) == list(plain.state_dict())
    x = draw((5, 3, 8, 8), torch.float32)
    torch.testing.assert_close(ours(x), plain(x), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(ours.before_last(x), plain[:-1](x), rtol=1e-5, atol=1e-5)
    for got, want in zip(ours.buffers(), plain.buffers(), strict=True):
        torch.testing.assert_close(got, want)


@pytest.fixture
def counted(monkeypatch):
    """How often the one operation has run."""
    calls = []
    by_one = module._by_one
    monkeypatch.setattr(module, "_by_one", lambda *given: calls.append(1) or by_one(*given))
    return calls


@pytest.mark.parametrize(
    ("name", "shape", "pairs"),
    [
        ("resnet32-global", (4, 3, 16, 16), 1 + 8 + 3),
        ("resnet32", (4, 3, 16, 16), 31),
        ("mnist-pde", (4, 1, 28, 28), 3),
    ],
)
def test_networks_make_them_so_and_in_plain_torch_not(name, shape, pairs, counted):
    network, x = create(name).double(), draw(shape)
    plain = in_plain_torch(copy.deepcopy(network))
    for model in (network, plain):
        model.train()(x).square().mean().backward()
        assert len(counted) == pairs
    for got, want in zip(network.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(got.grad, want.grad, rtol=1e-7, atol=1e-7)
    create(name, kernel="torch").double().train()(x)
    assert len(counted) == pairs


def test_a_sequence_is_a_stage_and_no_block_and_its_part_as_plain_as_it():
    blocks = [BasicBlock(3, 3) for _ in range(2)]
    x = draw((2, 3, 8, 8), torch.float32)
    assert [s.blocks for s in stages(nn.Sequential(NormSequence(*blocks)), x)] == [2]
    rows = [NormSequence(nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU()) for _ in range(2)]
    assert stages(nn.Sequential(nn.Sequential(*rows)), x) == []
    assert not NormSequence(*blocks)[:1].plain
    assert in_plain_torch(NormSequence(*blocks))[:1].plain


def test_every_part_of_a_layer_in_plain_torch_is_plain():
    layer = GlobalLayer(2, init="depthwise", velocity="full", backend="torch")
    sequences = [part for part in layer.modules() if isinstance(part, NormSequence)]
    assert len(sequences) == 6
    assert all(part.plain for part in sequences)


def test_a_layers_output_may_be_replaced(counted):
    layer, x = GlobalLayer(2, residual=True).double(), draw((2, 2, 6, 6))
    wanted = layer(x)
    layer.output = nn.Sequential(*layer.output)
    torch.testing.assert_close(layer(x), wanted)
    assert len(counted) == 1


def test_a_global_hook_sees_the_path_of_a_block(counted):
    seen, block = [], BasicBlock(3, 3)
    hook = register_module_forward_hook(lambda part, given, made: seen.append(part))
    try:
        block(draw((2, 3, 6, 6), torch.float32))
    finally:
        hook.remove()
    assert block.path in seen
    assert not counted


def test_a_hook_on_a_blocks_path_runs(counted):
    block, seen = BasicBlock(3, 3), []
    block.path.register_forward_hook(lambda part, given, made: seen.append(made))
    block(draw((2, 3, 6, 6), torch.float32))
    assert seen[0].shape == (2, 3, 6, 6)
    assert len(counted) == 1
