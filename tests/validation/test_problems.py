"""The exact solutions are exact: their residual in the equation, by differences of order eight, vanishes."""

import numpy as np
import pytest

from solver import solve
from validation.problems import (
    CornerLayer,
    CosineMode,
    FourierMode,
    Gaussian,
    HeatKernel,
    Manufactured,
    RotatingGaussian,
    TelegraphMode,
)

WALLS = {
    "periodic": ("periodic",) * 4,
    "no-flux": ("no-flux",) * 4,
    "dirichlet": ("dirichlet",) * 4,
    "mixed": ("dirichlet", "no-flux", "no-flux", "dirichlet"),
    "channel": ("no-flux", "dirichlet", "periodic", "periodic"),
}
SMOOTH = {
    "fourier": FourierMode(rows=64, columns=80),
    "fourier, other waves": FourierMode(rows=96, columns=60, waves=(3, -1), velocity=(-0.3, 0.9)),
    "gaussian": Gaussian(rows=128, columns=96),
    "wide gaussian": Gaussian(rows=96, columns=90, width=0.2, diffusivity=(0.05, 0.03)),
    "cosine": CosineMode(rows=64, columns=80, waves=(3, 2)),
    "heat kernel": HeatKernel(rows=96, columns=80),
    "rotating gaussian": RotatingGaussian(rows=161, columns=161, width=0.06, diffusivity=0.002),
    "corner layer": CornerLayer(rows=129, columns=129),
    **{
        f"manufactured, {walls}, {diffusion}": Manufactured(
            rows=96, columns=90, walls=kinds, diffusion=diffusion, lengths=(1.0, 1.25)
        )
        for walls, kinds in WALLS.items()
        for diffusion in ("laplacian", "flux")
    },
}
FIRST = np.array([4 / 5, -1 / 5, 4 / 105, -1 / 280])
SECOND = np.array([8 / 5, -1 / 5, 8 / 315, -1 / 560])
MARGIN = 4  # cells that the stencils of order eight need on either side


def inner(field):
    return field[MARGIN:-MARGIN, MARGIN:-MARGIN]


def derivative(H, axis, spacing, order=1):
    """Derivative at the inner cells, by central differences of order eight: not those of the project."""
    away = range(1, MARGIN + 1)
    if order == 1:
        difference = sum(w * (np.roll(H, -n, axis) - np.roll(H, n, axis)) for n, w in zip(away, FIRST, strict=True))
        return inner(difference / spacing)
    sums = sum(w * (np.roll(H, -n, axis) + np.roll(H, n, axis) - 2 * H) for n, w in zip(away, SECOND, strict=True))
    return inner(sums / spacing**2)


def time_derivative(exact, t, h=2e-3):
    """Sixth-order central difference in time."""
    weights = (3 / 4, -3 / 20, 1 / 60)
    return sum(w * (exact(t + n * h) - exact(t - n * h)) for n, w in enumerate(weights, 1)) / h


def terms_of_the_equation(analytic, t):
    """All terms, which must add up to zero, at the inner cells: the equation written down once more."""
    steady = analytic.problem.at(t)
    u, v, Dx, Dy, f = (np.broadcast_to(c, analytic.grid.shape) for c in steady.fields())
    (dx, dy), H = analytic.grid.spacing, analytic.exact(t)
    terms = {
        "H_t": inner(time_derivative(analytic.exact, t)),
        "u H_x": inner(u) * derivative(H, 0, dx),
        "u_x H": derivative(u, 0, dx) * inner(H),
        "v H_y": inner(v) * derivative(H, 1, dy),
        "v_y H": derivative(v, 1, dy) * inner(H),
        "Dx H_xx": -inner(Dx) * derivative(H, 0, dx, 2),
        "Dy H_yy": -inner(Dy) * derivative(H, 1, dy, 2),
        "f": -inner(f),
    }
    if steady.diffusion == "flux":
        terms["Dx_x H_x"] = -derivative(Dx, 0, dx) * derivative(H, 0, dx)
        terms["Dy_y H_y"] = -derivative(Dy, 1, dy) * derivative(H, 1, dy)
    return terms


def residual(terms):
    largest = max(np.abs(term).max() for term in terms.values())
    return np.abs(sum(terms.values())).max() / largest


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("t", [0.1, 0.37])
def test_the_exact_solution_satisfies_the_equation(name, t):
    assert residual(terms_of_the_equation(SMOOTH[name], t)) < 1e-7


@pytest.mark.parametrize("diffusion", ["laplacian", "flux"])
@pytest.mark.parametrize("walls", WALLS)
def test_a_wrong_sign_of_any_term_of_a_manufactured_problem_would_be_found(walls, diffusion):
    terms = terms_of_the_equation(SMOOTH[f"manufactured, {walls}, {diffusion}"], 0.37)
    for name in terms:
        wrong = {**terms, name: -terms[name]}
        assert residual(wrong) > 5e-3, name  # and that of the right one is below 1e-7


@pytest.mark.parametrize("name", SMOOTH)
def test_refining_keeps_the_walls_and_the_solution(name):
    analytic = SMOOTH[name]
    fine = analytic.refined(3)
    assert fine.grid.lengths == pytest.approx(analytic.lengths)
    assert fine.grid.spacing == pytest.approx([step / 3 for step in analytic.grid.spacing])
    # Every coarse point is a fine one: the first itself, or the middle of the three cells of a cell at a wall.
    begins = tuple(slice(int(kind == "no-flux"), None, 3) for kind in analytic.grid.sides.kinds[::2])
    np.testing.assert_allclose(fine.exact(0.3)[begins], analytic.exact(0.3), rtol=1e-9, atol=1e-13)


def test_between_unlike_walls_an_even_factor_is_refused():
    mixed = Manufactured(walls=WALLS["mixed"])
    with pytest.raises(ValueError, match=r"`factor` is 2, but .* one Dirichlet and one no-flux end .* take 3 or 5"):
        mixed.refined(2)


@pytest.mark.parametrize("mode", [FourierMode(rows=12, columns=10), CosineMode(rows=12, columns=10, waves=(5, 2))])
def test_a_semi_discrete_mode_satisfies_the_equation_with_central_differences(mode):
    (u, v), (Dx, Dy), (dx, dy) = mode.velocity, mode.diffusivity, mode.grid.spacing
    beyond = "wrap" if mode.grid.sides.kinds[0] == "periodic" else "symmetric"
    padded = np.pad(mode.semi_discrete(0.2), 1, mode=beyond)
    H, (north, south), (west, east) = (
        padded[1:-1, 1:-1],
        (padded[:-2, 1:-1], padded[2:, 1:-1]),
        (padded[1:-1, :-2], padded[1:-1, 2:]),
    )
    rate = Dx * (north - 2 * H + south) / dx**2 + Dy * (west - 2 * H + east) / dy**2
    rate -= u * (south - north) / (2 * dx) + v * (east - west) / (2 * dy)
    np.testing.assert_allclose(time_derivative(mode.semi_discrete, 0.2), rate, atol=1e-8)


@pytest.mark.parametrize("waves", [(1, 2), (7, 0), (11, 9)])
def test_between_no_flux_walls_the_scheme_multiplies_a_cosine_mode_by_its_amplification(waves):
    mode, dt, steps = CosineMode(rows=12, columns=10, waves=waves), 0.02, 40
    (Dx, Dy), (dx, dy), (kx, ky) = mode.diffusivity, mode.grid.spacing, mode.wavenumbers
    B_x, B_y = Dx * dt / dx**2, Dy * dt / dy**2
    old = now = 1.0  # start="copy"
    for _ in range(steps):
        new = (1 - 2 * B_x - 2 * B_y) * old + 4 * (B_x * np.cos(kx * dx) + B_y * np.cos(ky * dy)) * now
        old, now = now, new / (1 + 2 * B_x + 2 * B_y)
    computed = solve(mode.problem, mode.exact(0.0), steps * dt, dt=dt, start="copy").final
    np.testing.assert_allclose(computed, mode.mode(now), atol=1e-13)


def test_the_heat_kernel_is_the_sum_of_its_cosine_modes():
    kernel = HeatKernel(rows=16, columns=12)
    t, total = 0.2, np.zeros((16, 12))
    for m in range(30):
        for n in range(30):
            mode = CosineMode(rows=16, columns=12, diffusivity=kernel.diffusivity, waves=(m, n))
            at_release = np.cos(mode.wavenumbers[0] * kernel.centre[0]) * np.cos(mode.wavenumbers[1] * kernel.centre[1])
            share = (1 + (m > 0)) * (1 + (n > 0)) / (kernel.lengths[0] * kernel.lengths[1])
            total += share * at_release * mode.exact(t + kernel.age)
    np.testing.assert_allclose(kernel.exact(t), total, atol=1e-12)


def test_the_semi_discrete_heat_kernel_is_a_single_mode_where_the_initial_field_is(monkeypatch):
    kernel = HeatKernel(rows=16, columns=12)
    mode = CosineMode(rows=16, columns=12, diffusivity=kernel.diffusivity, waves=(3, 5))
    monkeypatch.setattr(HeatKernel, "exact", lambda self, t: mode.exact(t))
    np.testing.assert_allclose(kernel.semi_discrete(0.7), mode.semi_discrete(0.7), atol=1e-14)


def test_the_heat_kernel_keeps_its_unit_of_mass():
    kernel = HeatKernel(rows=60, columns=48)
    (dx, dy), masses = kernel.grid.spacing, [kernel.exact(t).sum() for t in (0.0, 0.5, 50.0)]
    np.testing.assert_allclose(np.array(masses) * dx * dy, 1.0, atol=1e-12)


@pytest.mark.parametrize("tau", [0.3, 1e-2, 1e-5])
@pytest.mark.parametrize("mode", [FourierMode(rows=72, columns=60), CosineMode(rows=72, columns=60)])
def test_the_telegraph_mode_satisfies_the_telegraph_equation(mode, tau):
    telegraph = TelegraphMode(of=mode, tau=tau, second_level=(0.1, 0.9 - 0.2j))
    (dx, dy), (u, v), (Dx, Dy) = mode.grid.spacing, mode.velocity, mode.diffusivity
    t, h = 0.4, 2e-3
    H, H_t = telegraph.exact(t), time_derivative(telegraph.exact, t, h)
    H_tt = time_derivative(lambda s: time_derivative(telegraph.exact, s, h), t, h)
    terms = {
        "in time": inner(tau * H_tt + H_t),
        "advection": u * derivative(H, 0, dx) + v * derivative(H, 1, dy),
        "diffusion": -Dx * derivative(H, 0, dx, 2) - Dy * derivative(H, 1, dy, 2),
    }
    assert residual(terms) < 1e-6


def test_the_telegraph_mode_takes_both_its_levels():
    mode = FourierMode(rows=24, columns=20)
    telegraph = TelegraphMode(of=mode, tau=0.05, second_level=(-0.1, 0.7 + 0.1j))
    np.testing.assert_allclose(telegraph.exact(0.0), mode.mode(1.0), atol=1e-14)
    np.testing.assert_allclose(telegraph.exact(-0.1), mode.mode(0.7 + 0.1j), atol=1e-14)


def test_the_telegraph_mode_tends_to_the_fourier_mode_as_tau_vanishes():
    mode = FourierMode()
    errors = []
    for tau in (1e-4, 1e-6, 1e-8):
        telegraph = TelegraphMode(of=mode, tau=tau, second_level=(1e-9, np.exp(1e-9 * mode.rate)))
        errors.append(np.abs(telegraph.exact(0.3) - mode.exact(0.3)).max())
    assert errors[1] == pytest.approx(errors[0] / 100, rel=0.05)
    assert errors[2] == pytest.approx(errors[1] / 100, rel=0.05)


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
