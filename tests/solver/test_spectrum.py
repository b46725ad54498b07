"""spectral_radius: closed forms, the dense against the Arnoldi path, and what a long run really does."""

import numpy as np
import pytest
from scheme_kinds import BOUNDARIES, FORMS, name

import solver
from solver import DiffusionAdvection, Dirichlet, Grid, Sides, backends, spectral_radius, spectrum, stability
from solver.amplification import roots
from solver.records import Fields, Levels


def sides_of(kinds):
    return Sides(*(Dirichlet(3.0) if kind == "dirichlet" else kind for kind in kinds))


@pytest.mark.parametrize("factor", [0.9, 1.1])
@pytest.mark.parametrize(
    ("velocity", "diffusivity"), [((0.7, -0.4), (0.05, 0.08)), ((0.7, 0.4), (0.0, 0.0)), ((0.0, 0.0), (1.0, 5.0))]
)
def test_on_the_periodic_plane_it_is_the_largest_root_of_its_angles(velocity, diffusivity, factor):
    problem = DiffusionAdvection(Grid((12, 10), (0.5, 0.8)), velocity, diffusivity)
    dt = factor * min(stability.largest_stable_dt(problem), 1.0)
    m = stability.mesh_numbers(problem, dt)
    a, b = 2 * np.pi * np.arange(12)[:, None] / 12, 2 * np.pi * np.arange(10) / 10
    want = np.abs(roots(float(m.A_x), float(m.A_y), float(m.B_x), float(m.B_y), a, b)).max()
    assert spectral_radius(problem, dt) == pytest.approx(want, abs=1e-6)


def along(kind, cells):
    """Angles of the modes of an axis between two walls of a kind: cosines of cells, sines of inner nodes."""
    return np.pi * np.arange(cells) / cells if kind == "no-flux" else np.pi * np.arange(1, cells - 1) / (cells - 1)


@pytest.mark.parametrize("x", ["no-flux", "dirichlet"])
@pytest.mark.parametrize("y", ["no-flux", "dirichlet"])
def test_between_walls_pure_diffusion_has_cosine_and_sine_modes(x, y):
    problem = DiffusionAdvection(Grid((9, 7), (0.5, 0.8), sides_of((x, x, y, y))), (0.0, 0.0), (0.6, 0.9))
    for dt in (0.05, 0.4, 3.0):
        B_x, B_y = 0.6 * dt / 0.25, 0.9 * dt / 0.64
        want = np.abs(roots(0.0, 0.0, B_x, B_y, along(x, 9)[:, None], along(y, 7))).max()
        assert spectral_radius(problem, dt) == pytest.approx(want, abs=1e-7)


@pytest.mark.parametrize("u", [0.1, 0.9, 1.5])
def test_between_dirichlet_walls_a_flow_has_the_modes_of_a_toeplitz_matrix(u):
    """North and south coefficients n = 2B + A and s = 2B - A make eigenvalues 2 sqrt(n s) cos(theta)."""
    problem = DiffusionAdvection(Grid((9, 1), (0.5, 1.0), sides_of(("dirichlet",) * 2 + ("no-flux",) * 2)), (u, 0.0),
                                 (0.06, 0.0))  # fmt: skip
    dt = 0.4
    A, B = u * dt / 0.5, 0.06 * dt / 0.25
    z = np.sqrt(complex((2 * B + A) * (2 * B - A))) * np.cos(along("dirichlet", 9))
    root = np.sqrt(z**2 + (1 + 2 * B) * (1 - 2 * B))
    want = max(np.abs(z + root).max(), np.abs(z - root).max()) / (1 + 2 * B)
    assert spectral_radius(problem, dt) == pytest.approx(want, abs=1e-7)


@pytest.fixture
def rough(rng):
    """Random velocities on a plane with the given sides and forms; with `product` they grow."""
    u, v = rng.normal(scale=0.8, size=(2, 7, 6))
    Dx, Dy = rng.uniform(0.05, 0.15, (2, 7, 6))

    def make(kinds, forms=("product", "laplacian")):
        advection, diffusion = forms
        grid = Grid((7, 6), (0.9, 1.1), sides_of(kinds))
        return DiffusionAdvection(grid, (u, v), (Dx, Dy), 0.5, advection=advection, diffusion=diffusion)

    return make


@pytest.mark.parametrize("kinds", BOUNDARIES, ids=name)
def test_a_long_run_grows_by_it(rough, rng, kinds):
    """By power iteration with any boundary; source and walls' values are silent."""
    problem, dt = rough(kinds), 0.35
    radius = spectral_radius(problem, dt)
    fields = problem.fields()
    silent = Fields(fields.u, fields.v, fields.Dx, fields.Dy, np.zeros(()))
    state, logarithms = Levels(*rng.normal(size=(2, 7, 6))), []
    for _ in range(60):
        state = backends.get("cpu").forward(state, silent, problem.mesh(dt), 50)
        size = np.sqrt(sum(np.sum(level**2) for level in state))
        logarithms.append(np.log(size) / 50)
        state = Levels(*(level / size for level in state))
    assert np.exp(np.mean(logarithms[10:])) == pytest.approx(radius, rel=2e-4)


@pytest.mark.parametrize("forms", FORMS, ids="-".join)
@pytest.mark.parametrize("kinds", BOUNDARIES[::6], ids=name)
def test_arnoldi_and_dense_agree(rough, kinds, forms, monkeypatch):
    problem = rough(kinds, forms)
    for dt in (0.2, 0.5):
        dense = spectral_radius(problem, dt)
        with monkeypatch.context() as patch:
            patch.setattr(spectrum, "DENSE", 0)
            arnoldi = spectral_radius(problem, dt)
        assert arnoldi == pytest.approx(dense, abs=1e-6)


def test_a_plane_too_large_to_be_dense():
    """30 x 24 cells, 1440 unknowns: the largest root over the angles of the plane."""
    problem = DiffusionAdvection(Grid((30, 24)), (0.3, 0.6), (0.2, 0.0))
    assert spectrum.DENSE < 2 * 30 * 24
    a, b = 2 * np.pi * np.arange(30)[:, None] / 30, 2 * np.pi * np.arange(24) / 24
    want = np.abs(roots(0.3, 0.6, 0.2, 0.0, a, b)).max()
    assert spectral_radius(problem, 1.0) == pytest.approx(want, rel=1e-7)
    assert spectral_radius(problem, 1.0) == spectral_radius(problem, 1.0)


def test_where_nothing_grows_and_nothing_decays_it_is_one(monkeypatch):
    """All moduli are 1: Arnoldi cannot tell them apart, and a long run bounds them."""
    problem = DiffusionAdvection(Grid((9, 8)), (0.3, 0.2), (0.0, 0.0))
    dense = spectral_radius(problem, 0.5)
    monkeypatch.setattr(spectrum, "DENSE", 0)
    assert dense == pytest.approx(1.0, abs=1e-7)
    assert spectral_radius(problem, 0.5) == pytest.approx(1.0, abs=1e-4)


def test_the_criterion_per_cell_is_a_guide_only(rough):
    """Every cell passes, and the product form grows all the same; the skew form does not."""
    product, skew = (rough(("periodic",) * 4, (a, "laplacian")) for a in ("product", "skew"))
    dt = 0.9 * min(stability.largest_stable_dt(p) for p in (product, skew))
    assert stability.judge(product, dt).stable
    assert spectral_radius(product, dt) > 1 + 1e-3
    assert spectral_radius(product, dt) > spectral_radius(skew, dt)


def test_of_functions_of_time_it_takes_the_beginning():
    steady = DiffusionAdvection(Grid((5, 4)), (0.3, 0.2), (0.1, 0.1))
    moving = DiffusionAdvection(Grid((5, 4)), lambda t: (0.3 + t, 0.2), (0.1, 0.1))
    assert spectral_radius(moving, 0.5) == spectral_radius(steady, 0.5)


def test_errors_say_what_it_takes():
    batch = DiffusionAdvection(Grid((5, 4)), (np.zeros((3, 1, 1)), 0.2), (0.1, 0.1))
    with pytest.raises(ValueError, match=r"`problem` is a batch \(3,\): it takes one plane"):
        spectral_radius(batch, 0.5)
    with pytest.raises(ValueError, match=r"`dt` is 0\.0: it takes a positive finite number"):
        spectral_radius(DiffusionAdvection(Grid((5, 4)), (0.3, 0.2), (0.1, 0.1)), 0.0)
    assert solver.spectral_radius is spectral_radius
