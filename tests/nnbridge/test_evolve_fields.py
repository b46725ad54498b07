"""Fields that lie in one tensor: `evolve_fields` against `diffusion_advection`, values, gradients, modes and errors."""

import pytest
import torch

from nnbridge import diffusion_advection
from nnbridge.ops import evolve_fields
from solver import Dirichlet

MESH = {"dt": 0.2, "dx": 0.9, "dy": 1.2}
PLAIN = (0.2, 1.0, 1.0, ["periodic"] * 4, "product", "laplacian", 0.0, 0.53)
# velocity, diffusivity, source
VARIANTS = {
    "published": (True, None, True),
    "no source": (True, None, False),
    "no advection": (False, None, True),
    "constant D": (True, 0.4, True),
    "no diffusion": (True, 0.0, False),
}
ALL_VARIANTS = pytest.mark.parametrize("variant", VARIANTS)


def choices(variant):
    return dict(zip(("velocity", "diffusivity", "source"), VARIANTS[variant], strict=True))


@pytest.fixture
def make():
    """Make x, (2, 3, *plane), and positive fields for a variant, (2, 3 n, *plane)."""
    generator = torch.Generator().manual_seed(7)

    def make(variant, plane=(5, 4), dtype=torch.float64):
        velocity, diffusivity, _ = VARIANTS[variant]
        count = 2 * velocity + 2 * (diffusivity is None)
        x = 2 * torch.rand((2, 3, *plane), generator=generator, dtype=torch.float64) - 1
        fields = torch.rand((2, 3 * count, *plane), generator=generator, dtype=torch.float64)
        return x.to(dtype).requires_grad_(), fields.to(dtype).requires_grad_()

    return make


def apart(x, fields, variant, backend="cpu", **rest):
    """The same by `diffusion_advection`, of fields taken apart."""
    velocity, diffusivity, source = VARIANTS[variant]
    found = list(fields.unflatten(1, (x.shape[1], -1)).unbind(2))
    u, v = (found.pop(0), found.pop(0)) if velocity else (0.0, 0.0)
    Dx, Dy = found if diffusivity is None else (diffusivity, diffusivity)
    return diffusion_advection(x, x, x if source else 0.0, u, v, Dx, Dy, backend=backend, **rest)


@ALL_VARIANTS
@pytest.mark.parametrize("steps", [0, 1, 2, 5, 7, 20])
@pytest.mark.parametrize("plane", [(1, 1), (1, 6), (6, 1), (2, 2), (3, 5), (8, 8)])
def test_values_and_gradients_equal_those_of_fields_apart(plane, steps, variant, make):
    x, fields = make(variant, plane)
    got = evolve_fields(x, fields, **choices(variant), steps=steps, **MESH)
    want = apart(x, fields, variant, steps=steps, **MESH)
    assert torch.equal(got, want)
    weight = torch.rand_like(want)
    leaves = (x, fields)
    got = torch.autograd.grad(got, leaves, weight)
    want = torch.autograd.grad(want, leaves, weight, materialize_grads=True)
    for g, w in zip(got, want, strict=True):
        torch.testing.assert_close(g, w, rtol=1e-13, atol=1e-13)


@ALL_VARIANTS
@pytest.mark.parametrize("boundary", ["periodic", "no-flux"])
@pytest.mark.parametrize("forms", [("product", "laplacian"), ("skew", "flux")])
def test_it_equals_plain_torch(forms, boundary, variant, make):
    x, fields = make(variant)
    rest = {"steps": 3, "boundary": boundary, "advection": forms[0], "diffusion": forms[1], **MESH}
    outs = [evolve_fields(x, fields, **choices(variant), **rest, backend=b) for b in ("cpu", "torch")]
    outs.append(apart(x, fields, variant, "torch", **rest))
    gradients = [torch.autograd.grad(out.square().sum(), (x, fields)) for out in outs]
    for out, (of_x, of_fields) in zip(outs[1:], gradients[1:], strict=True):
        torch.testing.assert_close(out, outs[0], rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(of_x, gradients[0][0], rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(of_fields, gradients[0][1], rtol=1e-12, atol=1e-12)


@ALL_VARIANTS
@pytest.mark.parametrize("steps", [1, 3])
def test_gradcheck(steps, variant, make):
    x, fields = make(variant, (3, 4))
    assert torch.autograd.gradcheck(
        lambda a, b: evolve_fields(a, b, **choices(variant), steps=steps, **MESH), (x, fields)
    )


@ALL_VARIANTS
@pytest.mark.parametrize("requires_grad", [False, True])
def test_opcheck(requires_grad, variant, make):
    x, fields = (t.detach().requires_grad_(requires_grad) for t in make(variant, (3, 4)))
    stack = (x, fields.unflatten(1, (3, -1)).detach().requires_grad_(requires_grad), *VARIANTS[variant])
    torch.library.opcheck(torch.ops.pdebridge.evolve_fields.default, (*stack, 3, *PLAIN))


@pytest.mark.parametrize("wanted", [[True, True], [True, False], [False, True], [False, False]])
def test_opcheck_of_the_adjoint(wanted, make):
    x, fields = (t.detach() for t in make("published", (3, 4)))
    arguments = (x, x, fields.unflatten(1, (3, 4)), *VARIANTS["published"], 3, *PLAIN, wanted)
    torch.library.opcheck(torch.ops.pdebridge.evolve_fields_adjoint.default, arguments)
    assert len(torch.ops.pdebridge.evolve_fields_adjoint(*arguments)) == sum(wanted)


@pytest.mark.parametrize("frozen", [0, 1])
def test_only_the_gradient_asked_for(frozen, make):
    leaves = make("published")
    full = torch.autograd.grad(evolve_fields(*leaves, steps=3, **MESH).square().sum(), leaves)
    some = [t.detach().requires_grad_(i != frozen) for i, t in enumerate(leaves)]
    evolve_fields(*some, steps=3, **MESH).square().sum().backward()
    assert some[frozen].grad is None
    assert torch.equal(some[1 - frozen].grad, full[1 - frozen])


def test_five_dimensions_and_other_layouts_give_the_same_bits(make):
    x, fields = make("published")
    want = evolve_fields(x, fields, steps=3, **MESH)
    of_x, of_fields = torch.autograd.grad(want.square().sum(), (x, fields))
    last = [t.detach().contiguous(memory_format=torch.channels_last).requires_grad_() for t in (x, fields)]
    five = [x, fields.detach().unflatten(1, (3, 4)).requires_grad_()]
    for leaves in (last, five):
        got = evolve_fields(*leaves, steps=3, **MESH)
        assert got.is_contiguous()
        assert torch.equal(got, want)
        gradients = torch.autograd.grad(got.square().sum(), leaves)
        assert torch.equal(gradients[0], of_x)
        assert torch.equal(gradients[1].flatten(1, 2) if leaves is five else gradients[1], of_fields)


def test_a_batch_of_no_planes():
    x = torch.zeros(0, 3, 5, 4, requires_grad=True)
    fields = torch.zeros(0, 12, 5, 4, requires_grad=True)
    out = evolve_fields(x, fields, steps=3, dt=0.2)
    assert [g.shape for g in torch.autograd.grad(out.sum(), (x, fields))] == [x.shape, fields.shape]


def test_what_is_kept_for_backward_is_x_and_the_fields(make):
    x, fields = make("published")
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.untyped_storage().data_ptr()) or t, id):
        evolve_fields(x, fields, steps=20, **MESH)
    assert sorted(kept) == sorted(t.untyped_storage().data_ptr() for t in (x, fields))


def test_autocast_computes_in_float32(make):
    x, fields = (t.detach().bfloat16().requires_grad_() for t in make("published"))
    with torch.autocast("cpu", torch.bfloat16):
        out = evolve_fields(x, fields, steps=3, **MESH)
    assert torch.equal(out, evolve_fields(x.float(), fields.float(), steps=3, **MESH))
    assert [g.dtype for g in torch.autograd.grad(out.sum(), (x, fields))] == [torch.bfloat16] * 2


def test_it_is_traced_whole(make):
    x, fields = make("published", dtype=torch.float32)
    torch._dynamo.reset()
    compiled = torch.compile(
        lambda a, b: evolve_fields(a, b.exp(), steps=2, **MESH), fullgraph=True, backend="aot_eager"
    )
    results = [
        torch.autograd.grad(f(x, fields).square().sum(), (x, fields))
        for f in (compiled, lambda a, b: evolve_fields(a, b.exp(), steps=2, **MESH))
    ]
    for g, w in zip(*results, strict=True):
        assert torch.equal(g, w)
    torch._dynamo.reset()


def test_forward_mode_and_double_backward(make):
    x, fields = (t.detach() for t in make("published"))
    _, slope = torch.func.jvp(lambda a: evolve_fields(a, fields, steps=2, **MESH), (x,), (x,))
    torch.testing.assert_close(slope, evolve_fields(x, fields, steps=2, **MESH), rtol=1e-12, atol=1e-12)  # linear in x
    x.requires_grad_()
    (g,) = torch.autograd.grad(evolve_fields(x, fields, steps=2, **MESH).square().sum(), x, create_graph=True)
    with pytest.raises(NotImplementedError, match=r"no second derivative: .*backend='torch'"):
        g.sum().backward()


X = torch.zeros(2, 3, 5, 4)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"x": 1.0}, TypeError, r"`x` is a float: it takes a tensor"),
        ({"fields": X.long()}, TypeError, r"`fields` has dtype torch\.int64: it takes a floating dtype"),
        (
            {"fields": X.double().repeat(1, 4, 1, 1)},
            TypeError,
            r"x torch\.float32, fields torch\.float64.*same for both",
        ),
        ({"x": X[0]}, ValueError, r"`x` has shape \(3, 5, 4\): it takes \(N, C, H, W\)"),
        (
            {"fields": X},
            ValueError,
            r"`fields` has shape .* with u, v, Dx, Dy .* takes \(2, 12, 5, 4\) or \(2, 3, 4, 5",
        ),
        ({"velocity": False}, ValueError, r"with Dx, Dy .* takes \(2, 6, 5, 4\)"),
        ({"velocity": False, "diffusivity": 0.1}, ValueError, r"there are no fields: call diffusion_advection"),
        ({"diffusivity": -1.0}, ValueError, r"`diffusivity` is -1\.0: it takes a finite number >= 0"),
        ({"boundary": Dirichlet(1.0)}, ValueError, r"`boundary` has a Dirichlet wall: .*Call diffusion_advection"),
        ({"steps": -1}, ValueError, r"`steps` is -1"),
    ],
)
def test_errors_name_the_argument_and_what_it_takes(changes, error, message):
    arguments = {"x": X, "fields": torch.zeros(2, 12, 5, 4), "steps": 1, "dt": 0.2}
    with pytest.raises(error, match=message):
        evolve_fields(**(arguments | changes))
