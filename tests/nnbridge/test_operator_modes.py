"""The operator among torch's modes: only the gradients asked for, memory, autocast, forward mode, errors."""

import math

import pytest
import torch

from nnbridge import diffusion_advection
from solver.records import Inputs

MESH = {"dt": 0.2, "dx": 0.9, "dy": 1.2}
# What the operator takes after the steps: dt, dx, dy, the four sides, the forms, nu and alpha of the filter.
PLAIN = (0.2, 1.0, 1.0, ["periodic"] * 4, "product", "laplacian", 0.0, 0.53)


@pytest.mark.parametrize("name", Inputs._fields)
@pytest.mark.parametrize("others", [False, True], ids=["alone", "all but it"])
def test_gradients_only_where_asked(name, others, make_tensors):
    full = make_tensors((2, 3, 5, 4), u=(3, 1, 1), Dx=())
    diffusion_advection(*full, steps=3, **MESH).square().sum().backward()
    some = Inputs(*(t.detach().clone() for t in full))
    for n, t in zip(Inputs._fields, some, strict=True):
        t.requires_grad_((n == name) != others)
    diffusion_advection(*some, steps=3, **MESH).square().sum().backward()
    for s, f in zip(some, full, strict=True):
        assert (s.grad is not None) == s.requires_grad
        assert s.grad is None or torch.equal(s.grad, f.grad)


def test_the_adjoint_operator_returns_what_is_wanted_and_no_more(make_tensors):
    inputs = make_tensors((2, 3, 5, 4), requires_grad=False)
    wanted = [True, False, False, True, False, False, True]
    out = torch.ops.pdebridge.evolve_adjoint(inputs.now, *inputs, 3, *PLAIN, wanted)
    assert len(out) == 3
    with torch.no_grad():
        assert not diffusion_advection(*make_tensors((2, 3, 5, 4)), steps=3, **MESH).requires_grad


def test_one_tensor_in_several_places_gets_the_sum(make_tensors):
    h = make_tensors((2, 3, 5, 4)).now
    D = make_tensors((2, 3, 5, 4)).Dx
    for backend in ("cpu", "torch"):
        out = diffusion_advection(h, h, h, 0.1, 0.2, D, D, steps=3, backend=backend, **MESH)
        gradients = torch.autograd.grad(out.square().sum(), (h, D))
        if backend == "cpu":
            want = gradients
    for a, b in zip(want, gradients, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


def saved_bytes(inputs, steps):
    """Distinct memory that autograd keeps for the backward pass."""
    kept = {}

    def pack(t):
        kept[t.untyped_storage().data_ptr()] = t.untyped_storage().nbytes()
        return t

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        diffusion_advection(*inputs, steps=steps, backend="cpu", **MESH)
    return sum(kept.values())


def test_what_training_keeps_is_the_inputs_whatever_the_steps(make_tensors):
    inputs = make_tensors((2, 3, 16, 16))
    size = sum(t.untyped_storage().nbytes() for t in inputs)
    assert [saved_bytes(inputs, steps) for steps in (0, 1, 5, 50)] == [size] * 4


def test_an_input_changed_before_backward_is_noticed(make_tensors):
    inputs = make_tensors((2, 3, 5, 4))
    u = inputs.u.clone()
    out = diffusion_advection(*inputs._replace(u=u), steps=3, **MESH)
    with torch.no_grad():
        u += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.sum().backward()


@pytest.mark.parametrize("backend", ["cpu", "torch"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_autocast_computes_in_float32(backend, dtype, make_tensors):
    inputs = [t.detach().to(dtype).requires_grad_() for t in make_tensors((2, 3, 5, 4))]
    with torch.autocast("cpu", torch.bfloat16):
        out = diffusion_advection(*inputs, steps=3, backend=backend, **MESH)
    assert out.dtype == torch.float32
    singles = [t.detach().float().requires_grad_() for t in inputs]
    want = diffusion_advection(*singles, steps=3, backend=backend, **MESH)
    assert torch.equal(out, want)
    weight = torch.rand_like(out)
    for g, w in zip(torch.autograd.grad(out, inputs, weight), torch.autograd.grad(want, singles, weight), strict=True):
        assert g.dtype == dtype
        assert torch.equal(g, w.to(dtype))


@pytest.mark.parametrize("backend", ["cpu", "torch"])
def test_autocast_does_not_round_numbers_to_half(backend, make_tensors):
    h = make_tensors((2, 3, 5, 4), requires_grad=False).now.bfloat16()
    numbers = (0.0, 0.0, 0.3, 0.0, 0.1, 0.1)
    with torch.autocast("cpu", torch.bfloat16):
        out = diffusion_advection(h, *numbers, steps=3, backend=backend, **MESH)
    assert torch.equal(out, diffusion_advection(h.float(), *numbers, steps=3, backend=backend, **MESH))


def test_half_precision_outside_autocast_is_refused(make_tensors):
    inputs = [t.detach().bfloat16() for t in make_tensors((2, 3, 5, 4))]
    with pytest.raises(TypeError, match=r"h torch\.bfloat16.*takes float32 or float64.*torch\.autocast"):
        diffusion_advection(*inputs, steps=1, **MESH)


def test_mixed_dtypes_are_refused(make_tensors):
    inputs = make_tensors((2, 3, 5, 4), requires_grad=False)
    with pytest.raises(TypeError, match=r"u torch\.float32.*the same for all seven.*\.to\("):
        diffusion_advection(*inputs._replace(u=inputs.u.float()), steps=1, **MESH)


def test_the_fake_operator_knows_shape_dtype_and_device(make_tensors):
    inputs = [t.detach().to("meta") for t in make_tensors((2, 3, 5, 4), torch.float32, u=(3, 1, 1))]
    out = torch.ops.pdebridge.evolve(*inputs, 3, *PLAIN)
    assert (out.shape, out.dtype, out.device.type) == ((2, 3, 5, 4), torch.float32, "meta")


@pytest.mark.parametrize("backend", ["auto", "torch"])
def test_forward_mode_takes_the_plain_path(backend, make_tensors):
    inputs = make_tensors((2, 3, 4), requires_grad=False)
    tangents = tuple(make_tensors((2, 3, 4), requires_grad=False))

    def f(*tensors):
        return diffusion_advection(*tensors, steps=3, backend=backend, **MESH)

    value, slope = torch.func.jvp(f, tuple(inputs), tangents)
    torch.testing.assert_close(value, f(*inputs), rtol=1e-12, atol=1e-12)
    t = 1e-3
    moved = [f(*(a + s * t * d for a, d in zip(inputs, tangents, strict=True))) for s in (2, 1, -1, -2)]
    torch.testing.assert_close(slope, (8 * (moved[1] - moved[2]) - (moved[0] - moved[3])) / (12 * t), rtol=0, atol=1e-9)


def test_forward_mode_through_the_kernel_is_refused_not_silently_zero(make_tensors):
    inputs = make_tensors((2, 3, 4), requires_grad=False)
    with pytest.raises(ValueError, match=r"`backend` 'cpu' has no forward-mode derivative .*: use 'torch'"):
        torch.func.jvp(
            lambda h: diffusion_advection(h, *inputs[1:], steps=3, backend="cpu", **MESH),
            (inputs.now,),
            (inputs.old,),
        )


def test_double_backward_says_which_path_has_it(make_tensors):
    inputs = make_tensors((2, 3, 4))
    out = diffusion_advection(*inputs, steps=2, **MESH)
    (g,) = torch.autograd.grad(out.square().sum(), inputs.u, create_graph=True)
    with pytest.raises(NotImplementedError, match=r"no second derivative: .*backend='torch'.*double backward"):
        g.sum().backward()


def test_double_backward_in_plain_torch(make_tensors):
    inputs = tuple(make_tensors((1, 2, 3)))
    assert torch.autograd.gradgradcheck(
        lambda *t: diffusion_advection(*t, steps=2, backend="torch", **MESH), inputs, atol=1e-6
    )


H = torch.zeros(2, 3, 4)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"h": 1.0}, TypeError, r"`h` is a float: it takes a tensor"),
        ({"u": "fast"}, TypeError, r"`u` is a str: it takes a tensor or a number"),
        ({"h": H.long()}, TypeError, r"`h` has dtype torch\.int64: it takes a floating dtype"),
        ({"Dx": H.bool()}, TypeError, r"`Dx` has dtype torch\.bool"),
        ({"v": H.to("meta")}, ValueError, r"`v` is on meta, but `h` is on cpu: move it there"),
        ({"source": torch.zeros(5)}, ValueError, r"do not broadcast together: .*source \(5,\)"),
        (dict.fromkeys(("h", "h_prev"), torch.zeros(4)), ValueError, r"`h` has shape \(4,\): .*two dimensions"),
        ({"steps": 1.5}, TypeError, r"`steps` is 1\.5: it takes a whole number >= 0"),
        ({"steps": -1}, ValueError, r"`steps` is -1: it takes a whole number >= 0"),
        ({"dt": 0.0}, ValueError, r"`dt` is 0\.0: it takes a positive finite number"),
        ({"dx": math.inf}, ValueError, r"`dx` is inf: it takes a positive finite number"),
        ({"dy": "1"}, TypeError, r"`dy` is '1': it takes a positive finite number"),
        ({"boundary": "walls"}, ValueError, r"`boundary` is 'walls': it takes 'periodic'"),
        ({"backend": "gpu"}, ValueError, r"`backend` is 'gpu': it takes 'auto', 'cpu', 'cuda', 'torch'"),
        (
            dict.fromkeys(("h", "h_prev"), H.to("meta"))
            | {"backend": "cpu"}
            | dict.fromkeys(("source", "u", "v", "Dx", "Dy"), 0.0),
            ValueError,
            r"`backend` 'cpu' takes tensors on the CPU, got meta",
        ),
    ],
)
def test_errors_name_the_argument_and_what_it_takes(changes, error, message):
    arguments = {"h": H, "h_prev": H, "source": 0.0, "u": 0.1, "v": 0.1, "Dx": 0.1, "Dy": 0.1, "steps": 1, "dt": 0.2}
    with pytest.raises(error, match=message):
        diffusion_advection(**(arguments | changes))
