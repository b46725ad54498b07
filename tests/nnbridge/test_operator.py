"""The bridged kernel against plain torch: values and all seven gradients, in every shape, dtype and layout."""

import numpy as np
import pytest
import torch

from nnbridge import diffusion_advection
from solver.records import Inputs

MESH = {"dt": 0.2, "dx": 0.9, "dy": 1.2}
PLANES = [(1, 1), (1, 5), (5, 1), (2, 2), (3, 4), (7, 5), (16, 16)]
STEPS = [0, 1, 2, 5, 17, 20, 40]
SHAPES = {
    "scalar": (),
    "per channel": (3, 1, 1),
    "per member": (2, 1, 1, 1),
    "shared plane": (5, 4),
    "plane per channel": (3, 5, 4),
    "row vector": (1, 4),
    "column vector": (5, 1),
}


def run(inputs, backend, steps, weight=None):
    """Return the result and the gradients of its inner product with `weight` (1 by default: a 0-stride cotangent)."""
    out = diffusion_advection(*inputs, steps=steps, backend=backend, **MESH)
    value = out.sum() if weight is None else (out * weight).sum()
    return out, torch.autograd.grad(value, inputs, materialize_grads=True)


def compare(inputs, steps, close, weighted=True):
    shape = torch.broadcast_shapes(*(t.shape for t in inputs))
    weight = torch.rand(shape, generator=torch.Generator().manual_seed(1), dtype=inputs[0].dtype) if weighted else None
    got, got_gradients = run(inputs, "cpu", steps, weight)
    doubles = [t.detach().double().requires_grad_() for t in inputs]
    want, want_gradients = run(doubles, "torch", steps, weight if weight is None else weight.double())
    assert got.dtype == inputs[0].dtype
    assert got.is_contiguous()
    close(got.detach().numpy(), want.detach().numpy(), steps)
    cells = shape.numel()
    for name, t, g, w in zip(Inputs._fields, inputs, got_gradients, want_gradients, strict=True):
        assert g.shape == t.shape, name
        assert g.dtype == t.dtype, name
        terms = 1 if name in ("now", "old") else steps + 1
        close(g.numpy(), w.numpy(), steps, summed=terms * cells // t.numel())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("plane", PLANES)
def test_values_and_gradients_equal_plain_torch(plane, steps, dtype, make_tensors, assert_rounding_close):
    compare(make_tensors((2, 3, *plane), dtype), steps, assert_rounding_close)


@pytest.mark.parametrize("steps", [1, 17])
def test_a_plane_larger_than_a_cache(steps, make_tensors, assert_rounding_close):
    compare(make_tensors((1, 1, 130, 131)), steps, assert_rounding_close)


@pytest.mark.parametrize("pattern", SHAPES)
def test_broadcast_inputs_get_their_gradients(pattern, make_tensors, assert_rounding_close):
    for name in Inputs._fields[1:]:
        compare(make_tensors((2, 3, 5, 4), **{name: SHAPES[pattern]}), 3, assert_rounding_close)
    fields = dict.fromkeys(Inputs._fields[2:], SHAPES[pattern])
    compare(make_tensors((2, 3, 5, 4), **fields), 3, assert_rounding_close)


@pytest.mark.parametrize("steps", [0, 1, 5])
@pytest.mark.parametrize("shape", [(2, 3, 5, 4), (5, 4), (4, 5, 4), (1, 1, 5, 4)])
def test_a_zero_stride_incoming_gradient(shape, steps, make_tensors, assert_rounding_close):
    compare(make_tensors(shape), steps, assert_rounding_close, weighted=False)


LAYOUTS = {
    "channels last": lambda t: t.contiguous(memory_format=torch.channels_last),
    "transposed": lambda t: t.transpose(-1, -2).contiguous().transpose(-1, -2),
    "batch swapped": lambda t: t.transpose(0, 1).contiguous().transpose(0, 1),
    "cropped": lambda t: torch.nn.functional.pad(t, (1, 2, 3, 1))[..., 3:-1, 1:-2],
    "every other channel": lambda t: t.repeat_interleave(2, 1)[:, ::2],
    "a field of several": lambda t: torch.stack([t, t + 1, t + 2], 2).unbind(2)[1] - 1,
    "expanded": lambda t: t[:1].expand(t.shape),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_memory_layout_gives_the_same_bits(layout, make_tensors):
    weight = torch.rand((2, 3, 5, 4), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    strided = [LAYOUTS[layout](t.detach()).requires_grad_() for t in make_tensors((2, 3, 5, 4))]
    plain = [t.detach().clone(memory_format=torch.contiguous_format).requires_grad_() for t in strided]
    got, got_gradients = run(strided, "cpu", 3, LAYOUTS[layout](weight).detach())
    want, want_gradients = run(plain, "cpu", 3, LAYOUTS[layout](weight).contiguous())
    assert torch.equal(got, want)
    for g, w in zip(got_gradients, want_gradients, strict=True):
        assert torch.equal(g, w)


def test_a_strided_incoming_gradient(make_tensors):
    inputs = make_tensors((2, 3, 5, 4))
    out = diffusion_advection(*inputs, steps=3, **MESH)
    weight = torch.rand((2, 3, 4, 5), dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    got = torch.autograd.grad(out, inputs, weight.transpose(-1, -2), retain_graph=True)
    want = torch.autograd.grad(out, inputs, weight.transpose(-1, -2).contiguous())
    for g, w in zip(got, want, strict=True):
        assert torch.equal(g, w)


@pytest.mark.parametrize("backend", ["cpu", "torch"])
def test_no_steps_copy_and_do_not_alias(backend, make_tensors):
    inputs = make_tensors((2, 3, 5, 4), requires_grad=False)
    out = diffusion_advection(*inputs, steps=0, backend=backend, **MESH)
    assert torch.equal(out, inputs.now)
    out += 1
    assert not torch.equal(out, inputs.now)


@pytest.mark.parametrize("backend", ["cpu", "torch"])
@pytest.mark.parametrize("steps", [0, 1])
def test_the_result_is_contiguous(backend, steps, make_tensors):
    inputs = [LAYOUTS["channels last"](t) for t in make_tensors((2, 3, 5, 4), requires_grad=False)]
    assert diffusion_advection(*inputs, steps=steps, backend=backend, **MESH).is_contiguous()


@pytest.mark.parametrize("backend", ["cpu", "torch"])
def test_numbers_are_tensors_without_a_gradient(backend, make_tensors):
    h = make_tensors((2, 3, 5, 4)).now
    values = (0.5, 0.1, 0.2, -0.3, 0.4, 0.3)
    a = diffusion_advection(h, *values, steps=3, backend=backend, **MESH)
    tensors = [torch.tensor(value, dtype=torch.float64) for value in values]
    assert torch.equal(a, diffusion_advection(h, *tensors, steps=3, backend=backend, **MESH))


@pytest.mark.parametrize("backend", ["cpu", "torch"])
def test_a_batch_of_no_planes(backend, make_tensors):
    inputs = make_tensors((0, 3, 5, 4), u=(3, 1, 1), Dx=(), Dy=(5, 4))
    out = diffusion_advection(*inputs, steps=3, backend=backend, **MESH)
    assert out.shape == (0, 3, 5, 4)
    for t, g in zip(inputs, torch.autograd.grad(out.sum(), inputs), strict=True):
        assert torch.equal(g, torch.zeros_like(t))


def test_it_agrees_with_the_solver(make_tensors):
    """The bridge adds nothing to the numbers: the same kernel called without torch gives the same bits."""
    from solver import cpu
    from solver.records import Fields, Levels, Mesh

    inputs = make_tensors((2, 3, 5, 4), requires_grad=False)
    h, h_prev, f, u, v, Dx, Dy = (t.numpy() for t in inputs)
    want = cpu.forward(Levels(h, h_prev), Fields(u, v, Dx, Dy, f), Mesh(**MESH), 4).now
    np.testing.assert_array_equal(diffusion_advection(*inputs, steps=4, **MESH).numpy(), want)
