"""GlobalLayer is the published layer: against four separate convolutions and norms and the formula written out."""

import pytest
import torch
from torch.nn import functional

from nnbridge import GlobalLayer
from nnbridge.depthwise import FieldConvolution

C = 3


def published_field(x, layer, which, count):
    """ReLU(BN(depthwise conv(x))) with the weights that belong to one field: its own convolution and its own norm."""
    conv, norm, _ = layer.coefficients
    picked = torch.arange(which, count * C, count)
    made = functional.conv2d(x, conv.weight[picked], padding=1, groups=C)
    return torch.relu(
        functional.batch_norm(
            made,
            norm.running_mean[picked].clone(),
            norm.running_var[picked].clone(),
            norm.weight[picked],
            norm.bias[picked],
            layer.training,
            0.1,
            C,
        )
    )


def published_steps(x, f, u, v, Dx, Dy, steps, dt):
    """The update of the paper, dx = dy = 1, H[0] = H[-1] = x."""
    now, old = x, x
    for _ in range(steps):
        u_x = (u.roll(-1, 2) - u.roll(1, 2)) / 2
        v_y = (v.roll(-1, 3) - v.roll(1, 3)) / 2
        new = (
            (1 - 2 * dt * Dx - 2 * dt * Dy) * old
            - 2 * dt * (u_x + v_y) * now
            + 2 * dt * f
            + (-dt * u + 2 * dt * Dx) * now.roll(-1, 2)
            + (dt * u + 2 * dt * Dx) * now.roll(1, 2)
            + (-dt * v + 2 * dt * Dy) * now.roll(-1, 3)
            + (dt * v + 2 * dt * Dy) * now.roll(1, 3)
        ) / (1 + 2 * dt * Dx + 2 * dt * Dy)
        now, old = new, now
    return now


def published_output(h, layer):
    norm = layer.output[0]
    mean, var = norm.running_mean.clone(), norm.running_var.clone()
    return torch.relu(functional.batch_norm(h, mean, var, norm.weight, norm.bias, layer.training, 0.1, C))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("steps", [0, 1, 5])
@pytest.mark.parametrize("source", [True, False])
def test_the_default_is_the_published_layer(x, make_layer, training, steps, source):
    layer = make_layer(steps=steps, source=source)
    layer(x)  # gives the running statistics something to say
    layer.train(training)
    fields = [published_field(x, layer, which, 4) for which in range(4)]
    want = published_output(published_steps(x, x if source else 0 * x, *fields, steps, 0.2), layer)
    torch.testing.assert_close(layer(x), want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("velocity", ["depthwise", "none"])
@pytest.mark.parametrize("diffusivity", ["depthwise", "none", 0.7])
def test_every_choice_of_the_fields(x, make_layer, velocity, diffusivity):
    layer = make_layer(velocity=velocity, diffusivity=diffusivity, steps=3, dt=0.1)
    count = 2 * (velocity == "depthwise") + 2 * (diffusivity == "depthwise")
    found = [published_field(x, layer, which, count) for which in range(count)]
    u, v = (found.pop(0), found.pop(0)) if velocity == "depthwise" else (0 * x, 0 * x)
    D = 0.0 if diffusivity == "none" else diffusivity
    Dx, Dy = found if diffusivity == "depthwise" else (0 * x + D, 0 * x + D)
    want = published_output(published_steps(x, x, u, v, Dx, Dy, 3, 0.1), layer)
    torch.testing.assert_close(layer(x), want, rtol=1e-12, atol=1e-12)
    layer(x).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in layer.parameters())


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ({}, 4 * C * 9 + 2 * 4 * C + 2 * C),
        ({"velocity": "none"}, 2 * C * 9 + 2 * 2 * C + 2 * C),
        ({"diffusivity": 1.0}, 2 * C * 9 + 2 * 2 * C + 2 * C),
        ({"velocity": "none", "diffusivity": "none"}, 2 * C),
        ({"steps": 9, "source": False, "norm_eps": 1e-5}, 4 * C * 9 + 2 * 4 * C + 2 * C),
    ],
)
def test_parameter_counts(choices, expected):
    assert sum(p.numel() for p in GlobalLayer(C, **choices).parameters()) == expected


def test_fields_are_what_the_layer_uses(x, make_layer):
    layer = make_layer()
    fields = layer.fields(x)
    for which, name in enumerate(("u", "v", "Dx", "Dy")):
        torch.testing.assert_close(getattr(fields, name), published_field(x, layer, which, 4))
    torch.testing.assert_close(fields.u_x, (fields.u.roll(-1, 2) - fields.u.roll(1, 2)) / 2)
    torch.testing.assert_close(fields.v_y, (fields.v.roll(-1, 3) - fields.v.roll(1, 3)) / 2)


def test_constant_fields_are_shown_in_full(x, make_layer):
    fields = make_layer(velocity="none", diffusivity=0.7).fields(x)
    assert all(field.shape == x.shape for field in fields)
    assert fields.u.abs().max() == fields.u_x.abs().max() == 0
    assert fields.Dx.unique().tolist() == fields.Dy.unique().tolist() == [0.7]


def test_looking_at_the_fields_does_not_train_the_norms(x, make_layer):
    layer = make_layer()
    before = {name: b.clone() for name, b in layer.named_buffers()}
    layer.fields(x)
    assert all(torch.equal(b, before[name]) for name, b in layer.named_buffers())


def test_looking_at_the_fields_does_not_disturb_a_training_step(x, make_layer):
    layer = make_layer()
    loss = layer(x).square().sum()
    seen = layer.fields(x)
    loss.backward()
    seen.u.sum().backward()


@pytest.mark.parametrize(("norm_eps", "eps"), [("channels", 3.0), (1e-5, 1e-5)])
def test_norm_eps_is_the_eps_of_both_norms(norm_eps, eps):
    layer = GlobalLayer(C, norm_eps=norm_eps)
    assert (layer.coefficients[1].eps, layer.output[0].eps) == (eps, eps)


def test_the_published_eps_shrinks_the_fields(x):
    torch.manual_seed(0)
    published, usual = GlobalLayer(C).double(), GlobalLayer(C, norm_eps=1e-5).double()
    usual.load_state_dict(published.state_dict())
    assert published.fields(x).u.max() < 0.5 * usual.fields(x).u.max()


def test_evaluation_uses_running_statistics_and_leaves_them(x, make_layer):
    layer = make_layer()
    layer(x)
    layer.eval()
    before = {k: t.clone() for k, t in layer.state_dict().items()}
    torch.testing.assert_close(layer(x)[:1], layer(x[:1]), rtol=1e-12, atol=1e-12)
    assert all(torch.equal(t, before[k]) for k, t in layer.state_dict().items())


def test_the_state_makes_the_round_trip(x, make_layer):
    layer = make_layer(steps=2)
    layer(x)
    other = GlobalLayer(C, steps=2).double()
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other.eval()(x), layer.eval()(x))


@pytest.mark.parametrize("training", [True, False])
def test_kernel_and_plain_torch_agree(x, make_layer, training):
    results = []
    for backend in ("cpu", "torch"):
        layer = make_layer(steps=5, backend=backend).train(training)
        out = layer(x)
        results.append((out, *torch.autograd.grad(out.square().sum(), list(layer.parameters()))))
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-11)


def test_float32_is_the_default(x):
    assert GlobalLayer(C)(x.float()).dtype == torch.float32


def test_the_description_names_the_choices():
    assert "3, steps=5, dt=0.2, velocity='depthwise', diffusivity=1.0, source=True" in repr(
        GlobalLayer(3, steps=5, diffusivity=1.0)
    )


@pytest.mark.parametrize(
    ("choices", "error", "message"),
    [
        ({"channels": 0}, ValueError, r"`channels` is 0: it takes a whole number >= 1"),
        ({"channels": 2.5}, (TypeError, ValueError), r"`channels` is 2\.5"),
        ({"steps": -1}, ValueError, r"`steps` is -1"),
        ({"steps": 1.5}, (TypeError, ValueError), r"`steps` is 1\.5"),
        ({"dt": 0.0}, ValueError, r"`dt` is 0\.0"),
        ({"dt": float("nan")}, ValueError, r"`dt` is nan"),
        ({"velocity": "fast"}, ValueError, r"`velocity` is 'fast': it takes 'identity', 'depthwise', .*'none'"),
        (
            {"diffusivity": "slow"},
            ValueError,
            r"`diffusivity` is 'slow': it takes .*'depthwise', .*'none', or a constant >= 0",
        ),
        ({"diffusivity": -1.0}, ValueError, r"`diffusivity` is -1\.0: it takes a finite number >= 0"),
        ({"diffusivity": float("nan")}, ValueError, r"`diffusivity` is nan"),
        ({"diffusivity": float("inf")}, ValueError, r"`diffusivity` is inf"),
        ({"norm_eps": "C"}, ValueError, r"`norm_eps` is 'C': it takes 'channels', or a positive number"),
        ({"norm_eps": -1.0}, ValueError, r"`norm_eps` is -1\.0: it takes a positive finite number"),
        ({"backend": "gpu"}, ValueError, r"`backend` is 'gpu'"),
    ],
)
def test_errors_name_the_argument_and_what_it_takes(choices, error, message):
    with pytest.raises(error, match=message):
        GlobalLayer(**({"channels": C} | choices))


@pytest.mark.parametrize("fields", [2, 4])
@pytest.mark.parametrize("batch", [0, 1, 4])
def test_the_convolution_of_the_fields_is_the_grouped_one(fields, batch):
    torch.manual_seed(0)
    ours = FieldConvolution(C, fields).double()
    grouped = torch.nn.Conv2d(C, fields * C, 3, padding=1, groups=C, bias=False).double()
    grouped.load_state_dict(ours.state_dict())
    results = []
    for convolution in (ours, grouped):
        x = torch.randn(
            batch, C, 6, 5, generator=torch.Generator().manual_seed(5), dtype=torch.float64
        ).requires_grad_()
        made = convolution(x)
        results.append((made, *torch.autograd.grad(made.square().sum(), (x, convolution.weight))))
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)
