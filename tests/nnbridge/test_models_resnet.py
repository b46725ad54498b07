"""The residual networks and their condensed form: parameters as published, shapes, gradients, names."""

import copy

import pytest
import torch
from torch import nn

from nnbridge import GlobalLayer, models
from nnbridge.blocks import BasicBlock, Bottleneck, StridedPointwise, convolution, in_plain_torch

PARAMETERS = {
    ("resnet10", 10): 156_250,
    ("resnet10-wide", 10): 161_605,
    ("resnet32", 10): 466_906,  # published: 460K
    ("resnet32", 100): 472_756,  # 473K
    ("resnet56", 10): 855_770,
    ("resnet32-global", 10): 161_402,  # 162K
    ("resnet32-global", 100): 167_252,  # 168K
    ("resnet56-global", 10): 332_602,
    ("resnet-tiny", 100): 14_510,  # 14K
    ("resnet-tiny-global", 100): 15_890,  # 16K
    ("resnet-tiny-wide", 100): 15_841,
}


@pytest.mark.parametrize(("name", "classes"), PARAMETERS)
def test_parameters(name, classes):
    model = models.create(name, in_channels=3, num_classes=classes)
    assert models.count_parameters(model) == PARAMETERS[name, classes]


def test_without_diffusion_or_advection_2464_parameters_fewer():
    for choices in ({"diffusivity": "none"}, {"velocity": "none"}, {"diffusivity": 1.0}):
        model = models.create("resnet32-global", in_channels=3, variant=models.Variant(**choices))
        assert models.count_parameters(model) == 161_402 - 2_464


@pytest.mark.parametrize("name", [name for name in models.available() if name.startswith("resnet")])
@pytest.mark.parametrize(("colours", "size", "classes"), [(3, 32, 10), (1, 28, 7), (4, 17, 2)])
def test_any_images_and_classes(name, colours, size, classes):
    torch.manual_seed(0)
    model = models.create(name, in_channels=colours, num_classes=classes)
    logits = model(torch.rand(2, colours, size, size))
    assert logits.shape == (2, classes)
    logits.square().sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())


def test_a_global_layer_follows_every_stage_but_the_last():
    model = models.create("resnet56-global", in_channels=3)
    kinds = [[type(part) for part in stage] for stage in model.stages]
    assert kinds == [[BasicBlock, BasicBlock, GlobalLayer]] * 3 + [[BasicBlock, BasicBlock]]
    assert [stage[-1].channels for stage in list(model.stages)[:3]] == [16, 32, 64]


def test_depth_halves_the_plane_in_every_stage_but_the_first():
    model, x = models.create("resnet32", in_channels=3), torch.rand(1, 3, 32, 32)
    x = model.stem(x)
    shapes = []
    for stage in model.stages:
        x = stage(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(16, 32, 32), (32, 16, 16), (64, 8, 8)]


def test_the_choices_of_a_variant_reach_every_layer():
    variant = models.Variant(steps=3, dt=0.1, velocity="pointwise", source=False, boundary="no-flux", residual=True)
    model = models.create("resnet32-global", in_channels=3, variant=variant, kernel="torch")
    layers = [part for part in model.modules() if isinstance(part, GlobalLayer)]
    assert len(layers) == 3
    for layer in layers:
        assert (layer.steps, layer.dt, layer.velocity, layer.source) == (3, 0.1, "pointwise", False)
        assert (layer.boundary, layer.residual, layer.backend) == ("no-flux", True, "torch")


def test_weights_are_drawn_for_the_gradients_variance():
    torch.manual_seed(0)
    weight = convolution(64, 128, 3).weight
    assert weight.std().item() == pytest.approx((2 / (9 * 128)) ** 0.5, rel=0.02)
    assert abs(weight.mean().item()) < 1e-3


@pytest.mark.parametrize("block", [BasicBlock, Bottleneck])
def test_a_block_whose_path_is_silent_is_its_shortcut(block):
    kept = block(8, 8)
    nn.init.zeros_(kept.path[-1].weight)
    x = torch.rand(2, 8, 6, 6)
    torch.testing.assert_close(kept(x), x)
    changed = block(8, 16, 2)
    assert changed(x).shape == (2, 16, 3, 3)
    assert len(changed.shortcut) == 2


def test_an_unknown_name_lists_those_that_there_are():
    with pytest.raises(ValueError, match=r"`name` is 'resnet33', but the models are .*resnet32-global"):
        models.create("resnet33")


def test_a_network_without_a_layer_refuses_a_variant():
    with pytest.raises(ValueError, match=r"`variant` goes with the networks that have a Global layer"):
        models.create("resnet32", in_channels=3, variant=models.Variant(steps=5))


@pytest.mark.parametrize("size", [(8, 8), (7, 9)], ids=str)
@pytest.mark.parametrize("lies", [torch.contiguous_format, torch.channels_last], ids=str)
def test_a_strided_pointwise_convolution_is_that_of_the_library(size, lies):
    ours = convolution(4, 6, 1, stride=2, groups=2).double()
    plain = in_plain_torch(copy.deepcopy(ours))
    assert type(ours) is StridedPointwise
    x = torch.randn(4, 4, *size, dtype=torch.float64).contiguous(memory_format=lies).requires_grad_()
    for training in (True, False):
        with torch.set_grad_enabled(training):
            torch.testing.assert_close(ours(x), plain(x))
    gradient = torch.randn_like(ours(x))
    found, wanted = (torch.autograd.grad(part(x), [x, part.weight], gradient) for part in (ours, plain))
    torch.testing.assert_close(found, wanted)
