"""Channels last and back: every number at its place, whatever the sizes."""

import numpy as np
import pytest
import torch

from nnbridge import GlobalLayer
from nnbridge.memory_format import format_of, in_planes, laid_as
from solver.cpu.channels import transpose_into
from solver.cpu.threads import team_of

# Whole tiles, a part of one in either direction, less than a vector, one number, none.
MATRICES = [
    (3, 16, 1024),
    (2, 1024, 16),
    (2, 64, 64),
    (2, 17, 33),
    (2, 33, 17),
    (4, 3, 30),
    (3, 8, 8),
    (1, 1, 1),
    (0, 4, 9),
]


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", MATRICES, ids=str)
def test_matrices_are_transposed(shape, dtype, threads):
    images = np.random.default_rng(0).random(shape).astype(dtype)
    made = np.full((shape[0], shape[2], shape[1]), np.nan, dtype)
    transpose_into(made, images, team_of(threads))
    assert np.array_equal(made, images.transpose(0, 2, 1))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("shape", [(3, 16, 5, 6), (2, 5, 9, 8), (2, 1, 4, 4), (2, 3, 1, 1), (0, 3, 4, 4)], ids=str)
def test_a_batch_goes_to_planes_and_back(shape, dtype):
    x = torch.rand(shape, generator=torch.Generator().manual_seed(0)).to(dtype)
    for format in (torch.contiguous_format, torch.channels_last):
        given = x.contiguous(memory_format=format).requires_grad_()
        planes = in_planes(given)
        assert planes.is_contiguous()
        assert not planes.requires_grad
        back = laid_as(given, planes)
        assert torch.equal(planes, x)
        assert torch.equal(back, x)
        assert back.stride() == given.stride()
        assert format_of(back) == format_of(given)


def test_what_is_neither_is_copied():
    turned = torch.rand(2, 5, 6, 3).permute(0, 1, 3, 2)
    planes = in_planes(turned)
    assert planes.is_contiguous()
    assert torch.equal(planes, turned)
    assert torch.equal(laid_as(turned, planes), turned)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_what_a_layer_returns_may_be_changed_in_place(layout, training):
    layer = GlobalLayer(3).train(training)
    x = torch.rand(2, 3, 6, 5).contiguous(memory_format=layout).requires_grad_(training)
    layer.output = torch.nn.Identity() if training else layer.output
    with torch.set_grad_enabled(training):
        made = layer(x)
    assert not made._is_view()
    weight = torch.ones(3, 1, 1, requires_grad=True)
    made.mul_(weight).sum().backward()
    assert weight.grad is not None
