"""Seeded tensors for the bridge."""

import pytest
import torch

from solver.records import Inputs


@pytest.fixture
def make_tensors():
    """Seven inputs by name, in the order of `diffusion_advection`; Dx and Dy are positive."""
    generator = torch.Generator().manual_seed(2022)

    def make(shape, dtype=torch.float64, requires_grad=True, **shapes):
        tensors = {}
        for name in Inputs._fields:
            size = shapes.get(name, shape)
            value = torch.rand(size, generator=generator, dtype=torch.float64)
            if name not in ("Dx", "Dy"):
                value = 2 * value - 1
            tensors[name] = value.to(dtype).requires_grad_(requires_grad)
        return Inputs(**tensors)

    return make
