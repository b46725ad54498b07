"""The exact solutions are exact: their residual in the equation, by spectral derivatives, vanishes."""

import numpy as np
import pytest

from validation.problems import FourierMode, Gaussian, Manufactured, TelegraphMode

PROBLEMS = [
    FourierMode(rows=24, columns=20),
    FourierMode(rows=24, columns=20, waves=(3, -1), velocity=(-0.3, 0.9)),
    Gaussian(rows=96, columns=80),
    Gaussian(rows=64, columns=60, width=0.2, diffusivity=(0.05, 0.03)),
    Manufactured(rows=64, columns=60),
    Manufactured(rows=64, columns=60, lengths=(2.0, 1.0), scale=0.01),
]
NAMES = [f"{p.name}-{i}" for i, p in enumerate(PROBLEMS)]


def derivative(H, axis, length, order=1):
    """Spectral derivative of a periodic field: independent of the finite differences of the project."""
    n = H.shape[axis]
    factor = (2j * np.pi * np.fft.fftfreq(n, 1 / n) / length) ** order
    if n % 2 == 0 and order % 2:
        factor[n // 2] = 0.0
    shape = [1, 1]
    shape[axis] = n
    return np.fft.ifft(factor.reshape(shape) * np.fft.fft(H, axis=axis), axis=axis).real


def time_derivative(exact, t, h=2e-3):
    """Sixth-order central difference in time."""
    weights = (3 / 4, -3 / 20, 1 / 60)
    return sum(w * (exact(t + n * h) - exact(t - n * h)) for n, w in enumerate(weights, 1)) / h


@pytest.mark.parametrize("analytic", PROBLEMS, ids=NAMES)
@pytest.mark.parametrize("t", [0.1, 0.37, 1.3])
def test_the_exact_solution_satisfies_the_equation(analytic, t):
    u, v, Dx, Dy, f = (np.broadcast_to(c, analytic.grid.shape) for c in analytic.problem.fields())
    (Lx, Ly), H = analytic.lengths, analytic.exact(t)
    terms = [
        time_derivative(analytic.exact, t),
        derivative(u * H, 0, Lx),
        derivative(v * H, 1, Ly),
        -Dx * derivative(H, 0, Lx, 2),
        -Dy * derivative(H, 1, Ly, 2),
        -f,
    ]
    largest = max(np.abs(term).max() for term in terms)
    assert np.abs(sum(terms)).max() < 1e-8 * largest


@pytest.mark.parametrize("tau", [0.3, 1e-2, 1e-5])
def test_the_telegraph_mode_satisfies_the_telegraph_equation(tau):
    mode = FourierMode(rows=24, columns=20)
    telegraph = TelegraphMode(fourier=mode, tau=tau, second_level=(0.1, 0.9 - 0.2j))
    (Lx, Ly), (u, v), (Dx, Dy) = mode.lengths, mode.velocity, mode.diffusivity
    t, h = 0.4, 2e-3
    H, H_t = telegraph.exact(t), time_derivative(telegraph.exact, t, h)
    H_tt = time_derivative(lambda s: time_derivative(telegraph.exact, s, h), t, h)
    advection = u * derivative(H, 0, Lx) + v * derivative(H, 1, Ly)
    diffusion = Dx * derivative(H, 0, Lx, 2) + Dy * derivative(H, 1, Ly, 2)
    assert np.abs(tau * H_tt + H_t + advection - diffusion).max() < 1e-7 * np.abs(advection).max()


def test_the_telegraph_mode_takes_both_its_levels():
    mode = FourierMode(rows=24, columns=20)
    telegraph = TelegraphMode(fourier=mode, tau=0.05, second_level=(-0.1, 0.7 + 0.1j))
    np.testing.assert_allclose(telegraph.exact(0.0), mode.mode(1.0), atol=1e-14)
    np.testing.assert_allclose(telegraph.exact(-0.1), mode.mode(0.7 + 0.1j), atol=1e-14)


def test_the_telegraph_mode_tends_to_the_fourier_mode_as_tau_vanishes():
    mode = FourierMode()
    errors = []
    for tau in (1e-4, 1e-6, 1e-8):
        telegraph = TelegraphMode(fourier=mode, tau=tau, second_level=(1e-9, np.exp(1e-9 * mode.rate)))
        errors.append(np.abs(telegraph.exact(0.3) - mode.exact(0.3)).max())
    assert errors[1] == pytest.approx(errors[0] / 100, rel=0.05)
    assert errors[2] == pytest.approx(errors[1] / 100, rel=0.05)


def test_the_semi_discrete_mode_satisfies_the_equation_with_central_differences():
    mode = FourierMode(rows=12, columns=10)
    (u, v), (Dx, Dy), (dx, dy) = mode.velocity, mode.diffusivity, mode.grid.spacing
    H = mode.semi_discrete(0.2)
    north, south, west, east = (np.roll(H, s, a) for a in (0, 1) for s in (1, -1))
    rate = Dx * (north - 2 * H + south) / dx**2 + Dy * (west - 2 * H + east) / dy**2
    rate -= u * (south - north) / (2 * dx) + v * (east - west) / (2 * dy)
    np.testing.assert_allclose(time_derivative(mode.semi_discrete, 0.2), rate, atol=1e-8)


def test_the_gaussian_has_unit_mass_and_moves_with_the_velocity():
    gaussian = Gaussian(rows=90, columns=84)
    (dx, dy), (X, Y) = gaussian.grid.spacing, gaussian.grid.mesh()
    (Lx, Ly), t = gaussian.lengths, 2.7
    H = gaussian.exact(t) * dx * dy
    assert H.sum() == pytest.approx(1.0, abs=1e-12)
    # On a periodic plane the centre is the phase of the first Fourier coefficient.
    for coordinate, length, start, speed in zip((X, Y), (Lx, Ly), gaussian.centre, gaussian.velocity, strict=True):
        phase = np.angle((H * np.exp(2j * np.pi * coordinate / length)).sum()) / (2 * np.pi)
        assert (phase - (start + speed * t) / length + 0.5) % 1 == pytest.approx(0.5, abs=1e-9)


def test_the_manufactured_problem_varies_everything_and_keeps_the_diffusivity_positive():
    u, v, Dx, Dy, f = Manufactured().problem.fields()
    for coefficient in (u, v, Dx, Dy, f):
        assert np.ptp(coefficient, axis=0).min() > 0
        assert np.ptp(coefficient, axis=1).min() > 0
    assert min(Dx.min(), Dy.min()) > 0


@pytest.mark.parametrize("analytic", PROBLEMS, ids=NAMES)
def test_refining_keeps_the_domain_and_the_solution(analytic):
    fine = analytic.refined(2)
    assert fine.grid.lengths == pytest.approx(analytic.grid.lengths)
    np.testing.assert_allclose(fine.exact(0.3)[::2, ::2], analytic.exact(0.3), rtol=1e-10, atol=1e-14)
