"""The proven criterion: exact for constant coefficients, safe for variable ones, silent where it proves nothing."""

import numpy as np
import pytest

from solver import DiffusionAdvection, Dirichlet, Grid, Sides, proven_number, spectral_radius, stability

SHAPE = (8, 6)
WALLS = {
    "periodic": Sides(),
    "no-flux": Sides.of("no-flux"),
    "Dirichlet": Sides.of(Dirichlet(0.0)),
    "mixed": Sides(Dirichlet(1.0), "no-flux", "no-flux", Dirichlet(0.0)),
}


def solenoidal(grid, rng):
    """Velocity of a stream function that continues oddly beyond no-flux walls: no discrete divergence anywhere."""
    kinds, (dx, dy) = grid.sides.kinds, grid.spacing
    stream = rng.standard_normal(grid.shape)

    def difference(a, axis, ends):
        before, after = np.roll(a, 1, axis), np.roll(a, -1, axis)
        first, last = (slice(None),) * axis + (0,), (slice(None),) * axis + (-1,)
        if ends[0] != "periodic":
            before[first], after[last] = -a[first], -a[last]
        return after - before

    return difference(stream, 1, kinds[2:]) / (2 * dy), -difference(stream, 0, kinds[:2]) / (2 * dx)


def rough(sides, seed, **changes):
    rng = np.random.default_rng(seed)
    grid = Grid(SHAPE, (1.0, 0.7), sides)
    D = 10 ** rng.uniform(-2, 1) * rng.uniform(0.05, 1, (2, *SHAPE))
    arguments = {"velocity": solenoidal(grid, rng), "diffusivity": D, "diffusion": "flux"} | changes
    return DiffusionAdvection(grid, **arguments)


@pytest.mark.parametrize("diffusion", ["laplacian", "flux"])
@pytest.mark.parametrize("sides", [Sides(), Sides.of(Dirichlet(0.0))], ids=["periodic", "Dirichlet"])
def test_for_constant_coefficients_it_is_the_exact_criterion(sides, diffusion):
    problem = DiffusionAdvection(Grid(SHAPE, (0.5, 0.8), sides), (0.5, -0.3), (0.1, 0.2), diffusion=diffusion)
    assert proven_number(problem, 0.7) == pytest.approx(np.max(stability.stability_number(problem, 0.7)), rel=1e-14)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", WALLS)
def test_no_mode_grows_at_the_proven_time_step(name, seed):
    problem = rough(WALLS[name], seed)
    number = proven_number(problem, 1.0)
    assert np.isfinite(number)
    assert spectral_radius(problem, 1 / number) < 1 + 1e-9


def test_it_is_linear_in_the_time_step():
    problem = rough(Sides(), 0)
    assert proven_number(problem, 0.3) == pytest.approx(0.3 * proven_number(problem, 1.0), rel=1e-14)


def test_without_velocity_every_time_step_is_proven():
    assert proven_number(rough(Sides(), 0, velocity=(0.0, 0.0)), 1e3) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"advection": "product"},
        {"advection": "flux"},
        {"diffusion": "laplacian"},
        {"velocity": (np.arange(48.0).reshape(SHAPE), 0.0)},
        {"diffusivity": (0.0, 0.1)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_it_says_nothing_where_there_is_no_proof(changes):
    assert proven_number(rough(Sides(), 0, **changes), 0.1) == np.inf


def test_a_flow_against_a_no_flux_wall_has_a_divergence_there():
    grid = Grid(SHAPE, boundary=Sides("no-flux", "no-flux"))
    problem = DiffusionAdvection(grid, (0.5, 0.0), (0.1, 0.1))
    assert proven_number(problem, 0.1) == np.inf


def test_the_largest_of_a_batch_is_reported():
    flows = np.array([0.1, 0.4, 0.2])[:, None, None]
    problem = DiffusionAdvection(Grid(SHAPE), (flows, 0.0), (0.1, 0.1))
    one = DiffusionAdvection(Grid(SHAPE), (0.4, 0.0), (0.1, 0.1))
    assert proven_number(problem, 0.5) == pytest.approx(proven_number(one, 0.5))


def test_a_batch_of_constant_diffusivities_is_provable_in_either_form():
    D = np.array([0.1, 0.3])[:, None, None]
    problem = DiffusionAdvection(Grid(SHAPE), (0.3, 0.2), (D, D))
    worst = max(proven_number(DiffusionAdvection(Grid(SHAPE), (0.3, 0.2), (d, d)), 0.5) for d in (0.1, 0.3))
    assert proven_number(problem, 0.5) == pytest.approx(worst)


@pytest.mark.parametrize("dt", [-1.0, 0.0, np.nan, "0.1"])
def test_a_time_step_that_is_none_is_refused(dt):
    problem = DiffusionAdvection(Grid(SHAPE), (0.3, 0.2), (0.1, 0.1))
    for function in (proven_number, stability.judge, stability.mesh_numbers, stability.telegraph_tau):
        with pytest.raises((ValueError, TypeError), match=r"`dt` is .*: it takes a positive finite number"):
            function(problem, dt)
