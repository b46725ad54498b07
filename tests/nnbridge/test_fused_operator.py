"""The one-pass evaluation as a torch operator: registered whole, traced whole, and refusing what it cannot do."""

import pytest
import torch

from nnbridge import GlobalLayer
from solver.cpu import layer as kernel
from solver.cpu import openmp
from solver.cpu import threads as solver_threads

MESH = (0.2, 1.0, 1.0, ["periodic"] * 4, "product", "laplacian", 0.0, 0.53)
PARTS = (True, None, True)


@pytest.fixture(autouse=True)
def forget_what_was_compiled():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.fixture
def tensors():
    generator = torch.Generator().manual_seed(0)
    shapes = {"x": (2, 3, 5, 4), "filters": (3, 4, 9), "shifts": (3, 4), "scales": (3,), "offsets": (3,)}
    return {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def evaluate(tensors, steps=2):
    return torch.ops.pdebridge.evaluate_layer(*tensors.values(), *PARTS, steps, *MESH)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_it_is_registered_as_torch_wants_it(layout, tensors):
    tensors["x"] = tensors["x"].contiguous(memory_format=layout)
    arguments = (*tensors.values(), *PARTS, 2, *MESH)
    checks = ("test_schema", "test_faketensor", "test_autograd_registration")
    torch.library.opcheck(torch.ops.pdebridge.evaluate_layer, arguments, test_utils=checks)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("size", [(3, 8, 8), (4, 9, 5)])
def test_the_traced_layer_keeps_it(size, layout):
    torch.manual_seed(0)
    layer = GlobalLayer(3, steps=2).eval()
    x = torch.randn(size[0], 3, *size[1:]).contiguous(memory_format=layout)
    with torch.no_grad():
        compiled = torch.compile(layer, fullgraph=True, backend="aot_eager", dynamic=True)
        torch.testing.assert_close(compiled(x), layer(x), rtol=1e-6, atol=1e-6)
        assert compiled(x).stride() == layer(x).stride() == x.stride()
        exported = torch.export.export(layer, (x,))
    assert "pdebridge.evaluate_layer" in str(exported.graph)
    with torch.no_grad():
        assert torch.equal(exported.module()(x), layer(x))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("plane", [(1, 6), (5, 1), (6, 7), (21, 20)])
def test_channels_in_sixteens_stay_last(plane, dtype, monkeypatch):
    generator = torch.Generator().manual_seed(1)
    shapes = {"x": (4, 32, *plane), "filters": (32, 4, 9), "shifts": (32, 4), "scales": (32,), "offsets": (32,)}
    drawn = {name: torch.randn(shape, generator=generator, dtype=dtype) for name, shape in shapes.items()}
    planes = evaluate(drawn)
    x = drawn["x"].contiguous(memory_format=torch.channels_last)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)  # of many, each would get single planes
    monkeypatch.setattr("nnbridge.fused_operator.laid_as", lambda *_: pytest.fail("turned to planes"))
    by_cell = evaluate(drawn | {"x": x})
    assert torch.equal(by_cell, planes)
    assert by_cell.stride() == x.stride()


def test_a_layer_traced_in_training_and_in_evaluation_is_traced_twice():
    torch.manual_seed(0)
    layer, x = GlobalLayer(3), torch.randn(2, 3, 6, 5)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    compiled(x).sum().backward()
    layer.eval()
    with torch.no_grad():
        torch.testing.assert_close(compiled(x), layer(x), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(compiled(x), layer(x), rtol=1e-6, atol=1e-6)
    assert compiled(x).requires_grad


def test_it_has_no_derivative(tensors):
    tensors["scales"].requires_grad_()
    with pytest.raises(NotImplementedError, match="one-pass evaluation of a layer has no derivative"):
        evaluate(tensors).sum().backward()


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("x", torch.zeros(3, 5, 4), ValueError, r"`x` has shape \(3, 5, 4\): it takes \(N, C, H, W\)"),
        ("filters", torch.zeros(3, 2, 9), ValueError, r"`filters` has shape \(3, 2, 9\).* it takes \(3, 4, 9\)"),
        ("shifts", torch.zeros(4), ValueError, r"`shifts` has shape \(4,\).* it takes \(3, 4\)"),
        ("scales", torch.zeros(1), ValueError, r"`scales` has shape \(1,\).* it takes \(3,\)"),
        ("offsets", torch.zeros(3).double(), TypeError, r"offsets torch.float64: the kernel takes float32 or float64"),
    ],
)
def test_what_does_not_fit_is_refused(tensors, name, value, error, message):
    with pytest.raises(error, match=message):
        evaluate(tensors | {name: value})


@pytest.mark.parametrize("threads", [1, 2])
def test_the_kernels_ask_for_as_many_threads_as_torch_has(threads, monkeypatch):
    asked = []
    monkeypatch.setattr(solver_threads, "runtime", lambda: openmp.NOBODY)
    monkeypatch.setattr(solver_threads, "_run_in_pool", lambda work, count: asked.append(count))
    layer, x = GlobalLayer(4, steps=5).eval(), torch.randn(64, 4, 16, 16)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.no_grad():
            layer(x)
        layer.train()(x.requires_grad_()).sum().backward()
    finally:
        torch.set_num_threads(before)
    # In evaluation one call; in training the moments of the fields and the steps; back fields, steps, what the gradient
    # of the fields gives, and what their norm's means give the image.
    assert asked == ([] if threads == 1 else [2] * 11)


def test_the_solver_s_own_threads_do_without_torch():
    """The kernel is the solver's: it takes arrays, and makes its own team."""
    torch.manual_seed(0)
    layer, x = GlobalLayer(4, steps=5).eval(), torch.randn(64, 4, 16, 16)
    with torch.no_grad():
        want = layer(x)
    seen = {}
    original = kernel.evaluate

    def record(out, *arguments):
        seen["arguments"] = arguments[:-1]
        original(out, *arguments)

    with pytest.MonkeyPatch.context() as patch, torch.no_grad():
        patch.setattr(kernel, "evaluate", record)
        layer(x)
    out = want.numpy() * 0
    original(out, *seen["arguments"])
    assert out.tobytes() == want.numpy().tobytes()
