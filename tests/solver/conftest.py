"""A small problem with variable coefficients, and a state of noise."""

import pytest

from solver import DiffusionAdvection, Grid


@pytest.fixture
def problem(rng):
    u, v, f = rng.uniform(-0.3, 0.3, (3, 6, 5))
    Dx, Dy = rng.uniform(0.1, 0.3, (2, 6, 5))
    return DiffusionAdvection(Grid((6, 5), (0.9, 1.2)), (u, v), (Dx, Dy), f)


@pytest.fixture
def H(rng):
    return rng.standard_normal((6, 5))
