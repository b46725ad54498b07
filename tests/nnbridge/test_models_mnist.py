"""The three MNIST networks against formulas written out by hand."""

import numpy as np
import pytest
import torch
from scipy.signal import correlate2d
from torch import nn

from nnbridge import models
from nnbridge.models.mnist import OnePlaneConv
from nnbridge.reference import evolve
from solver.records import Mesh

NAMES = ("mnist-convolution", "mnist-residual", "mnist-pde")


def build(name, **choices):
    """Build a network in float64 whose BatchNorms are not the identity."""
    torch.manual_seed(7)
    network = models.create(name, **choices).double()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    return network


@pytest.mark.parametrize(("name", "count"), list(zip(NAMES, (522, 524, 524), strict=True)))
def test_networks_have_the_published_number_of_parameters(name, count):
    assert models.count_parameters(models.create(name)) == count


def test_frozen_parameters_are_not_counted():
    network = models.create("mnist-pde")
    network.head.requires_grad_(False)
    assert models.count_parameters(network) == 24


def test_an_unknown_network_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="`name` is 'resnet', but the models are mnist-convolution, mnist-residual"):
        models.create("resnet")
    assert models.available()[: len(NAMES)] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_networks_equal_the_formulas_in_numpy(name):
    network = build(name).train()
    images = np.random.default_rng(1).normal(size=(3, 1, 28, 28))
    logits = network(torch.from_numpy(images)).detach().numpy()
    np.testing.assert_allclose(logits, logits_by_hand(network, name, images), atol=1e-10)


def logits_by_hand(network, name, images):
    parts = {key: value.numpy() for key, value in network.state_dict().items()}

    def norm(x, key):
        """Normalise by the statistics of the batch, as BatchNorm does in training."""
        scaled = (x - x.mean()) / np.sqrt(x.var() + 1e-5)
        return scaled * parts[f"{key}.weight"] + parts[f"{key}.bias"]

    def norm_relu_conv(x, key):
        activated = np.maximum(norm(x, f"{key}.0"), 0)
        kernel = parts[f"{key}.2.weight"][0, 0]
        return np.array([[correlate2d(plane, kernel, mode="same")] for plane in activated[:, 0]])

    f = norm_relu_conv(images, "stem")
    g = norm_relu_conv(f, "backbone.g")
    if name == "mnist-convolution":
        h = g
    elif name == "mnist-residual":
        h = np.maximum(norm(f + g, "backbone.out.0"), 0)
    else:
        tensor_f, tensor_g, one = torch.from_numpy(f), torch.from_numpy(g), torch.ones((), dtype=torch.float64)
        inputs = (tensor_f, tensor_f, tensor_f, tensor_g, tensor_g, one, one)
        level = evolve(*inputs, steps=5, mesh=Mesh(0.2)).numpy()
        h = np.maximum(norm(level, "backbone.out.0"), 0)
    pooled = np.maximum(h, 0).reshape(-1, 7, 4, 7, 4).mean(axis=(2, 4)).reshape(-1, 49)
    return pooled @ parts["head.3.weight"].T + parts["head.3.bias"]


def test_the_kernel_and_plain_torch_train_the_pde_network_alike():
    images = torch.randn(4, 1, 28, 28, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    outcomes = []
    for kernel in ("cpu", "torch"):
        network = build("mnist-pde", kernel=kernel)
        logits = network(images)
        logits.square().sum().backward()
        outcomes.append([logits, *(parameter.grad for parameter in network.parameters())])
    for fast, plain in zip(*outcomes, strict=True):
        torch.testing.assert_close(fast, plain, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shape", [(5, 6, 7), (1, 28, 28), (4, 1, 1)], ids=str)
def test_the_one_plane_convolution_equals_torchs(channels, shape):
    generator = torch.Generator().manual_seed(3)
    batch, *size = shape
    planes = torch.randn(batch, channels, *size, dtype=torch.float64, generator=generator, requires_grad=True)
    ours = OnePlaneConv(channels).double()
    gradient = torch.randn(batch, 1, *size, dtype=torch.float64, generator=generator)
    expected = nn.functional.conv2d(planes, ours.weight, padding=1)
    torch.testing.assert_close(ours(planes), expected)
    for found, wanted in zip(
        torch.autograd.grad(ours(planes), (planes, ours.weight), gradient),
        torch.autograd.grad(expected, (planes, ours.weight), gradient),
        strict=True,
    ):
        torch.testing.assert_close(found, wanted)


def test_networks_take_other_channels_and_classes():
    network = models.create("mnist-pde", in_channels=3, num_classes=4)
    assert network(torch.zeros(2, 3, 28, 28)).shape == (2, 4)
