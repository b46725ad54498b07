"""What the scheme keeps: the sum of H, its twin for variable diffusivity, and a constant in a flow that fits it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scheme_cases import CONSERVING_AXES, cases, seeds
from scheme_kinds import FORMS

from solver import backends
from solver.records import Filter

BACKENDS = pytest.mark.parametrize("backend", [backends.get("numpy"), backends.get("cpu")], ids=lambda b: b.NAME)


def total(a):
    return a.sum(axis=(-2, -1), dtype=np.float64)


@BACKENDS
@given(case=cases(axes=CONSERVING_AXES))
def test_the_sum_is_conserved_with_constant_diffusivity(backend, case):
    """Every form, any velocity, with or without filter, if the two levels start with equal sums."""
    constant = {name: getattr(case.inputs, name).flat[0] for name in ("Dx", "Dy")}
    old = case.inputs.old + (case.inputs.now - case.inputs.old).mean(axis=(-2, -1), keepdims=True)
    end = case.run(backend, old=old, source=0.0, **constant)
    scale = np.prod(end.now.shape[-2:]) * max(1.0, float(np.abs(end.now).max()))
    want = np.broadcast_to(total(case.inputs.now), end.now.shape[:-2])
    np.testing.assert_allclose(total(end.now), want, rtol=0, atol=case.eps * scale)


def faces(D, axis, kinds):
    """Sum of the diffusivities on the two faces of every cell along an axis."""
    width = [(0, 0)] * D.ndim
    width[axis] = (1, 1)
    padded = np.pad(D, width, "wrap" if kinds[0] == "periodic" else "edge")
    size = D.shape[axis]
    before, after = (np.take(padded, range(first, first + size), axis) for first in (0, 2))
    return D + (before + after) / 2


@BACKENDS
@given(case=cases(axes=CONSERVING_AXES, forms=[f for f in FORMS if f[1] == "flux"], raw=st.just(Filter())))
def test_flux_diffusion_conserves_a_sum_of_two_levels(backend, case):
    """Sum (1 + b) H[k] + (1 - b) H[k-1] for any diffusivity, the twin of H + tau H_t; without filter."""
    case = case.full().but(source=np.zeros(case.full().inputs.now.shape))
    i, m = case.inputs, case.mesh
    along_x = faces(i.Dx.astype(float), -2, m.boundary[:2]) / m.dx**2
    along_y = faces(i.Dy.astype(float), -1, m.boundary[2:]) / m.dy**2
    b = m.dt * (along_x + along_y)
    end = case.run(backend)
    scale = np.prod(end.now.shape[-2:]) * max(1.0, float(np.abs(end.now).max()), float(np.abs(end.old).max()))
    np.testing.assert_allclose(
        total((1 + b) * end.now + (1 - b) * end.old),
        total((1 + b) * i.now + (1 - b) * i.old),
        rtol=0,
        atol=case.eps * scale * (1 + b.max()),
    )


def curl(stream, case):
    """Velocity whose discrete divergence is zero: central differences of a stream function.

    Beyond a no-flux wall the stream function is odd, so that no flow crosses it; beyond a Dirichlet wall it is not
    read by any cell that moves.
    """
    kinds = case.mesh.boundary
    padded = np.pad(stream, [(0, 0)] * (stream.ndim - 2) + [(1, 1)] * 2, "wrap")
    for side, edge, inner in ((0, np.s_[..., 0, :], 1), (1, np.s_[..., -1, :], -2)):
        if kinds[side] != "periodic":
            padded[edge] = -padded[..., inner, :]
    for side, edge, inner in ((2, np.s_[..., 0], 1), (3, np.s_[..., -1], -2)):
        if kinds[side] != "periodic":
            padded[edge] = -padded[..., inner]
    u = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / (2 * case.mesh.dy)
    v = -(padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / (2 * case.mesh.dx)
    return u, v


@BACKENDS
@given(case=cases(), level=st.floats(-3, 3), seed=seeds)
def test_a_constant_is_preserved_in_a_flow_without_divergence(backend, case, level, seed):
    """With any boundary and diffusivity, if Dirichlet walls hold the constant."""
    shape = case.full().inputs.now.shape
    u, v = curl(np.random.default_rng(seed).uniform(-0.2, 0.2, shape), case)
    H, source, kinds = np.full(shape, level), np.zeros(shape), case.mesh.boundary
    for edge, kind in zip((np.s_[..., 0, :], np.s_[..., -1, :], np.s_[..., 0], np.s_[..., -1]), kinds, strict=True):
        if kind == "dirichlet":
            source[edge] = level
    case.close(case.run(backend, now=H, old=H, u=u, v=v, source=source).now, H, scale=3.0)
