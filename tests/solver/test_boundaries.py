"""What the boundaries mean: mirrors, held walls, kept profiles, batches; both backends."""

import numpy as np
import pytest
from scheme_kinds import AXES, FORMS

import solver
import solver.starting
from solver import RAW, DiffusionAdvection, Dirichlet, Grid, Sides, backends
from solver.records import Filter, Inputs, Mesh
from solver.walls import on_walls

BACKENDS = pytest.mark.parametrize("backend", ["numpy", "cpu"])
PERIOD, MIRROR = ("periodic", "periodic"), ("no-flux", "no-flux")


def mirrored(inputs, axis):
    """Double the plane by its mirror image: even, but odd for the velocity across the mirror."""
    across = "u" if axis == -2 else "v"
    return Inputs(
        **{n: np.concatenate([a, np.flip(-a if n == across else a, axis)], axis) for n, a in inputs._asdict().items()}
    )


@BACKENDS
@pytest.mark.parametrize("forms", FORMS, ids="-".join)
@pytest.mark.parametrize("axes", [(-2,), (-1,), (-2, -1)], ids=["x", "y", "x and y"])
@pytest.mark.parametrize("shape", [(2, 5, 4), (1, 4), (3, 1)], ids=str)
def test_no_flux_is_the_periodic_problem_on_the_mirrored_plane(
    backend, shape, axes, forms, make_inputs, split, assert_rounding_close
):
    inputs = make_inputs(shape)
    doubled = inputs
    for axis in axes:
        doubled = mirrored(doubled, axis)
    sides = (*(MIRROR if -2 in axes else PERIOD), *(MIRROR if -1 in axes else PERIOD))
    for raw in (Filter(), Filter(0.2, 0.53)):
        got = backends.get(backend).forward(*split(inputs), Mesh(0.2, 0.9, 1.2, sides, *forms, raw), 20)
        want = backends.get(backend).forward(*split(doubled), Mesh(0.2, 0.9, 1.2, ("periodic",) * 4, *forms, raw), 20)
        for g, w in zip(got, want, strict=True):
            assert_rounding_close(g, w[..., : shape[-2], : shape[-1]], 20)


@BACKENDS
@pytest.mark.parametrize("filter", [None, RAW()], ids=["no filter", "RAW"])
@pytest.mark.parametrize("start", ["heun", "euler", "copy"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_dirichlet_wall_holds_its_value_at_all_times(backend, start, filter, dtype, rng):
    u, v, f = rng.uniform(-0.3, 0.3, (3, 6, 5))
    walls = {"north": rng.normal(size=5), "south": np.array(0.3), "west": rng.normal(size=6), "east": np.array(-1.7)}
    sides = Sides(**{name: Dirichlet(value) for name, value in walls.items()})
    problem = DiffusionAdvection(Grid((6, 5), (0.9, 1.2), sides), (u, v), (0.2, 0.1), f)
    s = solver.solve(
        problem,
        rng.normal(size=(6, 5)).astype(dtype),
        6.0,
        dt=0.2,
        start=start,
        filter=filter,
        backend=backend,
        save_at=np.arange(0.0, 6.1, 0.2),
    )
    assert len(s.fields) == 31
    for H in s.fields:  # rows win at the corners
        np.testing.assert_array_equal(H[0], walls["north"].astype(dtype))
        np.testing.assert_array_equal(H[-1], np.full(5, 0.3, dtype))
        np.testing.assert_array_equal(H[1:-1, 0], walls["west"][1:-1].astype(dtype))
        np.testing.assert_array_equal(H[1:-1, -1], np.full(4, -1.7, dtype))
    assert np.ptp(s.final[1:-1, 1:-1]) > 0


@BACKENDS
@pytest.mark.parametrize("filter", [None, RAW()], ids=["no filter", "RAW"])
@pytest.mark.parametrize("other", AXES, ids="-".join)
@pytest.mark.parametrize("axis", [0, 1], ids=["x", "y"])
def test_a_steady_linear_profile_between_two_walls_is_kept(backend, axis, other, filter):
    """Between H = 1 and H = 3 with any sides along the profile; where those hold values, they are the profile's."""
    shape = (7, 6)
    coordinate = np.linspace(1.0, 3.0, shape[axis])
    profile = np.broadcast_to(np.expand_dims(coordinate, 1 - axis), shape)
    across = tuple(Dirichlet(coordinate) if kind == "dirichlet" else kind for kind in other)
    ends = (Dirichlet(1.0), Dirichlet(3.0))
    sides = Sides(*(ends + across if axis == 0 else across + ends))
    grid = Grid.spanning(shape, (2.0, 2.0), sides)
    problem = DiffusionAdvection(grid, (0.0, 0.0), (0.3, 0.7))
    s = solver.solve(problem, profile, 5.0, filter=filter, backend=backend)
    np.testing.assert_allclose(s.final, profile, rtol=0, atol=1e-13)


@BACKENDS
def test_any_state_relaxes_to_the_harmonic_field_of_its_walls(backend, rng):
    """x y and x^2 - y^2 have no Laplacian, in the five-point stencil neither: with these walls they are the end."""
    grid = Grid.spanning((8, 7), (1.0, 1.0), Dirichlet(0.0))
    X, Y = grid.mesh()
    for field in (X * Y, X**2 - Y**2):
        sides = Sides(*(Dirichlet(edge) for edge in (field[0], field[-1], field[:, 0], field[:, -1])))
        problem = DiffusionAdvection(Grid.spanning((8, 7), (1.0, 1.0), sides), (0.0, 0.0), (1.0, 1.0))
        s = solver.solve(problem, rng.normal(size=(8, 7)), 3.0, backend=backend)
        np.testing.assert_allclose(s.final, field, rtol=0, atol=1e-9)


@BACKENDS
def test_corners_and_the_diffusivity_on_a_wall_are_never_read(backend, make_inputs, split):
    """The five-point stencil sees no corner, and D H_xx takes the diffusivity of the cell itself."""
    inputs = make_inputs((5, 4))
    mesh = Mesh(0.2, 0.9, 1.2, ("dirichlet",) * 4)
    changed = inputs._replace(**{n: a.copy() for n, a in inputs._asdict().items()})
    for n, a in changed._asdict().items():
        a[0, 0] = a[-1, 0] = a[0, -1] = a[-1, -1] = 1.0
        if n in ("Dx", "Dy"):
            a[0] = a[-1] = a[:, 0] = a[:, -1] = 0.7
    for steps in (1, 5):
        got, want = (backends.get(backend).forward(*split(i), mesh, steps).now for i in (changed, inputs))
        np.testing.assert_array_equal(got[1:-1, 1:-1], want[1:-1, 1:-1])


@BACKENDS
@pytest.mark.parametrize("start", ["heun", "copy"])
def test_a_batch_of_walls_is_as_many_separate_solves(backend, start, rng):
    north, west = rng.normal(size=(3, 5)), rng.normal(size=(2, 1, 6))
    H = rng.normal(size=(6, 5))

    def problem(north, west):
        sides = Sides(Dirichlet(north), "no-flux", Dirichlet(west), Dirichlet(0.5))
        return DiffusionAdvection(Grid((6, 5), (0.9, 1.2), sides), (0.1, -0.2), (0.2, 0.1))

    choices = {"dt": 0.2, "start": start, "backend": backend}
    whole = solver.solve(problem(north, west), H, 6.0, **choices)
    assert problem(north, west).batch == (2, 3)
    assert whole.fields.shape == (2, 2, 3, 6, 5)
    for n in range(2):
        for c in range(3):
            alone = solver.solve(problem(north[c], west[n, 0]), H, 6.0, **choices)
            np.testing.assert_array_equal(whole.final[n, c], alone.final)


def test_walls_take_the_place_of_the_initial_values_and_rows_win_at_corners():
    sides = Sides(Dirichlet(1.0), Dirichlet([2.0, 3.0, 4.0]), Dirichlet(5.0), Dirichlet([6.0, 7.0, 8.0]))
    held = on_walls(np.zeros((3, 3)), sides, (3, 3))
    np.testing.assert_array_equal(held, [[1, 1, 1], [5, 0, 7], [2, 3, 4]])
    problem = DiffusionAdvection(Grid((3, 3), boundary=sides), (0.0, 0.0), (0.1, 0.1))
    np.testing.assert_array_equal(solver.solve(problem, np.zeros((3, 3)), 1.0, dt=0.1).fields[0], held)


def test_without_a_wall_the_initial_values_are_left_alone(rng):
    H = rng.normal(size=(3, 4))
    assert on_walls(H, Sides.of("no-flux"), (3, 4)) is H


@BACKENDS
def test_the_source_does_not_feed_a_wall(backend):
    problem = DiffusionAdvection(Grid((3, 3), boundary=Dirichlet(0.0)), (0.0, 0.0), (0.0, 0.0), 1.0)
    end = solver.solve(problem, np.zeros((3, 3)), 2.0, dt=0.1, backend=backend).final
    want = np.zeros((3, 3))
    want[1, 1] = 2.0
    np.testing.assert_allclose(end, want, rtol=0, atol=1e-13)


def test_a_flow_against_a_no_flux_wall_piles_up_as_the_total_flux_condition_says():
    """u H = D H_x in the steady state, H = c exp(u x / D), at order 2: not H_x = 0 there."""
    errors = []
    for rows in (20, 40):
        grid = Grid.spanning((rows, 1), (1.0, 1.0), Sides("no-flux", "no-flux"))
        problem = DiffusionAdvection(grid, (1.0, 0.0), (0.2, 0.2))
        exact = np.exp(grid.x / 0.2)[:, None]
        exact /= exact.mean()
        steady = solver.solve(problem, np.ones(grid.shape), 4.0).final
        errors.append(np.linalg.norm(steady - exact) / np.linalg.norm(exact))
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2, abs=0.15)
    assert errors[1] < 5e-3


def test_the_tendency_takes_integers_and_a_batch_of_coefficients():
    grid = Grid((4, 3), boundary="no-flux")
    flows = np.array([0.1, -0.2])[:, None, None]
    H = np.arange(12).reshape(4, 3)
    batch = DiffusionAdvection(grid, (flows, 0.3), (0.2, 0.1))
    rates = solver.starting.tendency(batch, H)
    assert rates.shape == (2, 4, 3)
    for flow, rate in zip((0.1, -0.2), rates, strict=True):
        one = DiffusionAdvection(grid, (flow, 0.3), (0.2, 0.1))
        np.testing.assert_array_equal(rate, solver.starting.tendency(one, H.astype(float)))
    assert solver.starting.tendency(batch, H.astype(np.float32)).dtype == np.float32
