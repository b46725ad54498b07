"""The layer's variants: each is what its formula says, trains, and has the gradient of plain torch."""

import pytest
import torch
from torch import nn

from nnbridge import GlobalLayer, diffusion_advection
from nnbridge.field_blocks import BLOCKS, PeronaMalik

MESH = {"dt": 0.2}


def layer(channels=3, **choices):
    torch.manual_seed(0)
    made = GlobalLayer(channels, norm_eps=1e-5, **choices).double()
    for part in made.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.uniform_(part.bias, -0.2, 0.2)
    return made


@pytest.fixture
def x():
    return torch.rand(2, 3, 6, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("init", ["identity", "depthwise", "bottleneck"])
@pytest.mark.parametrize(("velocity", "diffusivity"), [("full", "pointwise"), ("none", "basic"), ("identity", 0.3)])
def test_a_layer_of_blocks_is_the_formula_of_its_parts(velocity, diffusivity, init, residual, x):
    made = layer(steps=3, velocity=velocity, diffusivity=diffusivity, init=init, residual=residual)
    h = made.init(x)
    u, v = (block(h) for block in made.coefficients.velocity) if velocity != "none" else (0.0, 0.0)
    Dx, Dy = (block(h) for block in made.coefficients.diffusivity) if isinstance(diffusivity, str) else (0.3, 0.3)
    H = diffusion_advection(h, x, x, u, v, Dx, Dy, steps=3, backend="torch", **MESH)
    want = made.output[0](H) + x if residual else made.output[0](H)
    torch.testing.assert_close(made(x), want.relu())


def test_a_residual_layer_of_the_published_kind(x):
    made, plain = layer(residual=True), layer()
    torch.testing.assert_close(made(x), (plain.output[0](plain._evolve(x, plain.coefficients(x))) + x).relu())
    made.eval()
    plain.eval()
    with torch.no_grad():
        want = plain.output[0](plain._evolve(x, plain.coefficients(x))) + x
        torch.testing.assert_close(made(x), want.relu())


@pytest.mark.parametrize("kind", BLOCKS)
@pytest.mark.parametrize("which", ["velocity", "diffusivity", "init"])
def test_every_kind_of_block_trains_and_gives_plain_torch_s_gradients(which, kind, x):
    found = []
    for backend in ("cpu", "torch"):
        made = layer(steps=2, backend=backend, **{which: kind})
        loss = made(x).square().sum()
        found.append([loss, *torch.autograd.grad(loss, list(made.parameters()), allow_unused=True)])
    for got, want in zip(*found, strict=True):
        assert (got is None) == (want is None)
        if got is not None:
            torch.testing.assert_close(got, want)


def test_no_source(x):
    made = layer(velocity="pointwise", source=False)
    fields = made.coefficients(x)
    want = diffusion_advection(x, x, 0.0, *fields, steps=1, backend="torch", **MESH)
    torch.testing.assert_close(made(x), made.output(want))


def test_perona_malik_is_the_formula_and_its_lambda_is_learned(x):
    made = layer(diffusivity="perona-malik", boundary="no-flux")
    (block,) = made.coefficients.diffusivity
    nn.init.constant_(block.log_lambda, -1.0)
    padded = nn.functional.pad(x, (1, 1, 1, 1), mode="replicate")
    gradient = ((padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2) ** 2
    gradient = gradient + ((padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2) ** 2
    _, _, Dx, Dy = made.coefficients(x)
    torch.testing.assert_close(Dx, 1 / (1 + gradient / torch.exp(torch.tensor(-2.0)).double()))
    assert Dx is Dy
    made(x).square().sum().backward()
    assert block.log_lambda.grad.abs().max() > 0


def test_perona_malik_s_gradient(x):
    block = PeronaMalik(3, ("periodic",) * 4).double()
    assert torch.autograd.gradcheck(block, (x.requires_grad_(),))


def test_the_fields_of_a_layer_of_blocks_can_be_looked_at(x):
    made = layer(velocity="full", diffusivity="perona-malik", init="depthwise")
    statistics = {name: buffer.clone() for name, buffer in made.named_buffers()}
    found = made.fields(x)
    h = made.init(x)
    torch.testing.assert_close(found.u, made.coefficients.velocity[0](h))
    torch.testing.assert_close(found.Dx, made.coefficients.diffusivity[0](h))
    made.load_state_dict(made.state_dict() | statistics)
    made.fields(x)
    for name, buffer in made.named_buffers():
        torch.testing.assert_close(buffer, statistics[name])


def test_evaluation_of_a_layer_of_blocks_is_the_formula_of_its_parts(x):
    made = layer(velocity="pointwise", residual=True).eval()
    with torch.no_grad():
        H = diffusion_advection(x, x, x, *made.coefficients(x), steps=1, backend="torch", **MESH)
        torch.testing.assert_close(made(x), (made.output[0](H) + x).relu())


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"velocity": "perona-malik"}, r"`velocity` is 'perona-malik': it takes 'identity', 'depthwise'"),
        ({"diffusivity": "dense"}, r"`diffusivity` is 'dense': it takes .*'perona-malik', 'none', or a constant >= 0"),
        ({"init": "none"}, r"`init` is 'none': it takes 'identity', 'depthwise', 'pointwise', 'full', 'basic'"),
    ],
)
def test_unknown_choices_are_listed(choices, said):
    with pytest.raises(ValueError, match=said):
        GlobalLayer(4, **choices)
