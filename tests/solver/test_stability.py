"""The criterion against brute-force amplification factors, the largest dt, the verdict, warning and error."""

import math

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

import solver
from solver import DiffusionAdvection, Grid, stability
from solver.records import Levels, Mesh

ANGLES = np.linspace(0, 2 * np.pi, 97)  # every 3.75 degrees, 0 and 180 included


def growth(A_x, A_y, B_x, B_y, a, b):
    """Largest |G| of exp(i(a p + b q)): the roots of L G^2 - P G - M = 0, straight from the scheme."""
    L, M = 1 + 2 * B_x + 2 * B_y, 1 - 2 * B_x - 2 * B_y
    P = 4 * B_x * np.cos(a) + 4 * B_y * np.cos(b) - 2j * (A_x * np.sin(a) + A_y * np.sin(b))
    root = np.sqrt(P * P + 4 * L * M + 0j)
    return np.maximum(np.abs(P + root), np.abs(P - root)) / (2 * L)


def worst_growth(A_x, A_y, B_x, B_y):
    """Over a grid of angles, and along the direction in which long waves grow first (where w_x, w_y are small)."""
    a, b = np.meshgrid(ANGLES, ANGLES)
    largest = growth(A_x, A_y, B_x, B_y, a, b).max()
    if B_x > 0 and B_y > 0:
        direction = np.array([A_x / B_x, A_y / B_y])
        direction /= max(np.abs(direction).max(), 1e-300)
        ray = np.linspace(0, 1, 400)
        largest = max(largest, growth(A_x, A_y, B_x, B_y, ray * direction[0], ray * direction[1]).max())
    return float(largest)


def number(*mesh_numbers):
    return float(stability.stability_of(*(np.array(n, float) for n in mesh_numbers)))


@pytest.mark.parametrize(
    ("mesh_numbers", "expected"),
    [
        ((0.8, 0.0, 0.01, 0.01), 0.8 * math.sqrt(2)),
        ((0.3, 0.6, 0.2, 0.0), math.inf),
        ((0.3, 0.0, 0.2, 0.0), 0.3),
        ((0.0, 0.0, 0.2, 0.0), 0.0),
        ((0.0, 0.0, 50.0, 70.0), 0.0),
        ((0.3, -0.6, 0.0, 0.0), 0.9),
        ((0.0, 0.0, 0.0, 0.0), 0.0),
        ((0.3, -0.4, 0.1, 0.3), math.sqrt(0.09 * 4 + 0.16 * 4 / 3)),
    ],
)
def test_known_numbers(mesh_numbers, expected):
    assert number(*mesh_numbers) == pytest.approx(expected, rel=1e-12)


def test_the_sum_of_the_courant_numbers_below_one_is_not_enough_with_diffusion():
    assert worst_growth(0.8, 0.0, 0.01, 0.01) > 1.0001
    assert worst_growth(0.8, 0.0, 0.0, 0.0) < 1 + 1e-12


def test_a_flow_across_a_zero_diffusivity_grows_eleven_per_cent_a_step():
    assert worst_growth(0.3, 0.6, 0.2, 0.0) == pytest.approx(1.11, abs=0.01)


def test_diffusion_alone_never_grows():
    assert worst_growth(0.0, 0.0, 40.0, 0.3) <= 1 + 1e-12


mesh = st.floats(0.02, 2.0)
share = st.floats(-1.0, 1.0)


@given(A_x=share, A_y=share, B_x=mesh, B_y=mesh, target=st.one_of(st.floats(0.05, 0.99), st.floats(1.03, 2.0)))
def test_the_criterion_is_exact_with_diffusion(A_x, A_y, B_x, B_y, target):
    c = number(A_x, A_y, B_x, B_y)
    assume(c > 1e-3)
    grown = worst_growth(A_x * target / c, A_y * target / c, B_x, B_y)
    assert (grown > 1 + 1e-9) == (target > 1)


@given(A_x=share, A_y=share, target=st.one_of(st.floats(0.05, 0.99), st.floats(1.03, 2.0)))
def test_the_criterion_is_exact_without_diffusion(A_x, A_y, target):
    c = number(A_x, A_y, 0, 0)
    assume(c > 1e-3)
    grown = worst_growth(A_x * target / c, A_y * target / c, 0.0, 0.0)
    assert (grown > 1 + 1e-9) == (target > 1)


def uniform(velocity, diffusivity, spacing=(0.5, 0.8)):
    return DiffusionAdvection(Grid((24, 20), spacing), velocity, diffusivity)


@pytest.mark.parametrize("problem", [uniform((0.7, -0.4), (0.05, 0.08)), uniform((0.7, 0.4), (0.0, 0.0))])
@pytest.mark.parametrize(("factor", "grows"), [(0.999, False), (1.05, True)])
def test_noise_grows_beyond_the_largest_stable_dt_only(problem, factor, grows, rng):
    dt = factor * stability.largest_stable_dt(problem)
    noise = rng.standard_normal((24, 20))
    start = Levels(noise, noise)
    end = solver.backends.get("cpu").forward(start, problem.fields(), Mesh(dt, 0.5, 0.8), 1500)
    with np.errstate(over="ignore"):
        ratio = np.abs(end.now).max() / np.abs(noise).max()
    assert ratio > 1e3 if grows else ratio < 20


def test_the_largest_dt_scales_with_the_spacing_and_the_velocity():
    assert stability.largest_stable_dt(uniform((2.0, 0.0), (0.0, 0.0))) == pytest.approx(0.25, rel=1e-8)
    assert stability.largest_stable_dt(uniform((0.0, 2.0), (0.0, 0.0))) == pytest.approx(0.4, rel=1e-8)
    assert stability.largest_stable_dt(uniform((0.0, 0.0), (1.0, 2.0))) == math.inf
    assert stability.largest_stable_dt(uniform((1.0, 1.0), (1.0, 0.0))) == 0.0


@given(
    u=st.lists(st.floats(-2, 2), min_size=4, max_size=4),
    D=st.lists(st.sampled_from([0.0, 0.0, 0.3, 1.0]), min_size=4, max_size=4),
)
@example(u=[1.0, 0.0, 0.0, 1.0], D=[0.3, 0.0, 0.0, 0.0])  # a tie of a cell with diffusion and one without
def test_the_largest_stable_dt_passes_its_own_judge(u, D):
    u, D = np.reshape(u, (2, 2)), np.reshape(D, (2, 2))
    problem = DiffusionAdvection(Grid((2, 2)), (u, 0.0), (D, 0.0))
    dt = stability.largest_stable_dt(problem)
    assume(0 < dt < 1e6)
    assert stability.judge(problem, dt).stable
    assert not stability.judge(problem, 1.01 * dt).stable


def test_tau_is_the_consistency_time():
    problem = DiffusionAdvection(Grid((2, 2), (0.5, 2.0)), (0.0, 0.0), ([[0.1, 0.3], [0.2, 0.1]], 0.4))
    assert stability.telegraph_tau(problem, 0.3) == pytest.approx(0.09 * (0.3 / 0.25 + 0.4 / 4))


def test_mesh_numbers_per_cell():
    u = np.arange(6.0).reshape(2, 3)
    problem = DiffusionAdvection(Grid((2, 3), (0.5, 2.0)), (u, 3.0), (0.1, 0.4), advection="product")
    m = stability.mesh_numbers(problem, 0.2)
    np.testing.assert_allclose(m.A_x, 0.4 * u)
    assert (float(m.A_y), float(m.B_x), float(m.B_y)) == pytest.approx((0.3, 0.08, 0.02))
    assert m.at((1, 2), (2, 3)) == pytest.approx((2.0, 0.3, 0.08, 0.02))


def one_bad_cell():
    u = np.full((3, 4), 0.5)
    u[2, 1] = 2.0
    return DiffusionAdvection(Grid((3, 4)), (u, 0.0), (0.1, 0.1), advection="product")


def test_the_verdict_names_the_cell_its_numbers_and_the_dt_that_passes():
    problem = one_bad_cell()
    verdict = stability.judge(problem, 0.5)
    assert not verdict.stable
    assert verdict.cell == (2, 1)
    assert verdict.mesh_numbers == pytest.approx((1.0, 0.0, 0.05, 0.05))
    assert verdict.number == pytest.approx(math.sqrt(2))
    assert verdict.largest_dt == pytest.approx(0.5 / math.sqrt(2))
    text = str(verdict)
    for part in ("dt = 0.5 is unstable", "cell (2, 1)", "A_x = 1", "B_y = 0.05", "dt <= 0.353553 would pass"):
        assert part in text
    assert stability.judge(problem, verdict.largest_dt).stable
    assert "dt = 0.1 is stable" in str(stability.judge(problem, 0.1))


def test_the_verdict_says_when_no_dt_passes():
    text = str(stability.judge(uniform((0.3, 0.6), (0.2, 0.0)), 0.1))
    assert "No dt passes" in text
    assert "Make both diffusivities positive" in text


def test_the_verdict_finds_the_member_of_a_batch():
    u = np.full((3, 1, 1), 0.1)
    u[1] = 5.0
    verdict = stability.judge(DiffusionAdvection(Grid((3, 4)), (u, 0.0), (0.1, 0.1)), 0.5)
    assert verdict.cell == (1, 0, 0)


def test_an_unstable_solve_warns_with_the_verdict():
    with pytest.warns(solver.StabilityWarning, match=r"cell \(2, 1\).*dt <= 0\.353553 would pass") as caught:
        solver.solve(one_bad_cell(), np.zeros((3, 4)), 5.0, dt=0.5, backend="numpy")
    assert caught[0].filename == __file__


def test_an_unstable_solve_is_refused_when_strict():
    with pytest.raises(solver.StabilityError, match=r"unstable.*cell \(2, 1\).*would pass"):
        solver.solve(one_bad_cell(), np.zeros((3, 4)), 5.0, dt=0.5, strict=True)


def test_a_stable_solve_does_not_warn(recwarn):
    solver.solve(one_bad_cell(), np.zeros((3, 4)), 1.0, dt=0.25, strict=True, backend="numpy")
    assert not recwarn.list


def test_without_a_stable_dt_none_is_chosen():
    with pytest.raises(solver.StabilityError, match=r"`dt` cannot be chosen.*No dt passes.*give `dt`"):
        solver.solve(uniform((0.3, 0.6), (0.2, 0.0)), np.zeros((24, 20)), 1.0)
