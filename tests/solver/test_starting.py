"""The first step: each start is the formula it is named after, in order and in dtype."""

import math

import numpy as np
import pytest

import solver
from solver import DiffusionAdvection, Grid, backends, finite, reference, starting
from solver.records import Levels, Mesh
from solver.stability import diffusion_numbers

GRID = Grid((5, 6), (0.8, 1.1))
DT = 0.05


def rate(problem, H):
    """dH/dt, with explicit neighbours; divergence form written out, not the project's product rule code."""
    u, v, Dx, Dy, f = (np.broadcast_to(c, problem.grid.shape) for c in problem.fields())
    dx, dy = problem.grid.spacing
    out = np.array(f)
    rows, columns = problem.grid.shape
    for i in range(rows):
        for j in range(columns):
            s, n, e, w = (i + 1) % rows, i - 1, (j + 1) % columns, j - 1
            out[i, j] -= u[i, j] * (H[s, j] - H[n, j]) / (2 * dx) + H[i, j] * (u[s, j] - u[n, j]) / (2 * dx)
            out[i, j] -= v[i, j] * (H[i, e] - H[i, w]) / (2 * dy) + H[i, j] * (v[i, e] - v[i, w]) / (2 * dy)
            out[i, j] += Dx[i, j] * (H[s, j] - 2 * H[i, j] + H[n, j]) / dx**2
            out[i, j] += Dy[i, j] * (H[i, e] - 2 * H[i, j] + H[i, w]) / dy**2
    return out


@pytest.fixture
def case(rng):
    u, v, f, H = rng.uniform(-1, 1, (4, 5, 6))
    Dx, Dy = rng.uniform(0, 1, (2, 5, 6))
    return DiffusionAdvection(GRID, (u, v), (Dx, Dy), f, advection="product"), H


def solve_one_step(problem, H, start, backend="numpy"):
    run = solver.solve(problem, H, 10 * DT, dt=DT, start=start, backend=backend, save_at=[DT])
    return run.fields[0]


@pytest.mark.filterwarnings("ignore::solver.StabilityWarning")
@pytest.mark.parametrize("backend", ["numpy", "cpu"])
def test_each_start_is_its_formula(case, backend):
    problem, H = case
    euler = H + DT * rate(problem, H)
    heun = H + DT / 2 * (rate(problem, H) + rate(problem, euler))
    mesh = Mesh(DT, *GRID.spacing)
    copy = reference.forward(Levels(H, H), problem.fields(), mesh, 1).now
    for start, expected in (("euler", euler), ("heun", heun), ("copy", copy)):
        np.testing.assert_allclose(solve_one_step(problem, H, start, backend), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("start", ["euler", "heun"])
def test_diffusion_beyond_the_explicit_limit_is_substepped(start):
    """Euler amplifies the checkerboard by 1 - 4 B_x - 4 B_y = -15 in one step; the exact factor is below 1."""
    problem = DiffusionAdvection(Grid((8, 8)), (0.0, 0.0), (2.0, 2.0))
    checkerboard = (-1.0) ** np.add.outer(np.arange(8), np.arange(8))
    first = starting.first_step(problem, checkerboard, 1.0, start, backends.get("numpy"))
    assert np.abs(first).max() <= 1 + 1e-12


@pytest.mark.parametrize(("start", "order"), [("heun", 3), ("euler", 2)])
def test_local_order_of_the_first_step(start, order):
    """One mode of the semi-discrete equation: its exact factor is exp(s dt)."""
    n, k = 16, 2 * np.pi / 16
    problem = DiffusionAdvection(Grid((n, n)), (0.7, 0.0), (0.2, 0.2))
    s = -0.7j * np.sin(k) - 0.2 * (2 - 2 * np.cos(k))
    mode = np.exp(1j * k * np.arange(n))[:, None] * np.ones(n)
    errors = []
    for dt in (0.4, 0.2, 0.1):
        stepped = starting.first_step(problem, mode.real, dt, start, backends.get("numpy"))
        errors.append(np.abs(stepped - (np.exp(s * dt) * mode).real).max())
    slopes = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.abs(slopes - order).max() < 0.1


@pytest.mark.filterwarnings("ignore::solver.StabilityWarning")
@pytest.mark.parametrize("start", ["euler", "heun", "copy"])
def test_float32_stays_float32(case, start):
    problem, H = case
    assert solve_one_step(problem, H.astype(np.float32), start).dtype == np.float32


def test_an_unknown_start_is_refused(case):
    problem, H = case
    with pytest.raises(ValueError, match=r"`start` is 'rk4': it takes 'heun', 'euler', 'copy'"):
        solver.solve(problem, H, 1.0, start="rk4")


@pytest.mark.parametrize("backend", ["numpy", "cpu"])
@pytest.mark.parametrize(
    "boundary", ["periodic", "no-flux", solver.Dirichlet(0.3)], ids=["periodic", "no-flux", "walls"]
)
@pytest.mark.parametrize(
    ("advection", "diffusion"), [("product", "laplacian"), ("skew", "flux"), ("flux", "laplacian")]
)
def test_euler_s_step_of_the_scheme_is_that_of_the_method_of_lines(advection, diffusion, boundary, backend, rng):
    """Made from a step of the scheme, and from differences of the fields."""
    grid, shape = Grid((7, 9), (0.8, 1.1), boundary=boundary), (7, 9)
    velocity, diffusivity = rng.uniform(-1, 1, (2, *shape)), rng.uniform(0, 1, (2, *shape))
    problem = DiffusionAdvection(
        grid, tuple(velocity), tuple(diffusivity), rng.random(shape), advection=advection, diffusion=diffusion
    )
    H = starting.hold_initial(problem, rng.random(shape))
    B_x, B_y = diffusion_numbers(problem, DT)
    made = starting.euler_step(problem, H, DT, 0.5 + B_x + B_y, backends.get(backend))
    np.testing.assert_allclose(made, H + DT * starting.tendency(problem, H), rtol=0, atol=1e-14)


@pytest.mark.parametrize("diffusivity", ["cells", "cells in double precision", "numbers"])
@pytest.mark.parametrize(("diffusion", "boundary"), [("laplacian", "no-flux"), ("flux", "periodic")])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_fields_make_the_bits_of_small_ones(
    dtype, diffusion, boundary, diffusivity, rng, monkeypatch, set_threads
):
    """In one pass by all threads, or as expressions of NumPy; with substeps."""
    shape = (200, 180)
    u, v, f, H = rng.uniform(-1, 1, (4, *shape)).astype(dtype)
    cells = rng.uniform(0, 2, (2, *shape))
    D = {"cells": tuple(cells.astype(dtype)), "numbers": (0.7, 0.9)}.get(diffusivity, tuple(cells))
    problem = DiffusionAdvection(Grid(shape, (0.8, 1.1), boundary=boundary), (u, v), D, f, diffusion=diffusion)
    engine, found = backends.get("cpu"), []
    for threads, many in ((2, finite.MANY), (1, finite.MANY), (1, math.inf)):
        set_threads(threads)
        monkeypatch.setattr(finite, "MANY", many)
        found.append([starting.first_step(problem, H, 0.5, start, engine) for start in ("euler", "heun")])
    assert all(made.dtype == dtype for made in found[0])
    for other in found[1:]:
        for made, same in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(made, same)
