"""The derivatives of a run in segments are derivatives, and a wrong one is noticed."""

from dataclasses import replace

import numpy as np
import pytest

from solver import DiffusionAdvection, Grid, Sides, backends, solve
from solver.records import Inputs
from validation.channel import STEPS, Channel, probes
from validation.sensitivity import Segment, central_difference, pull_back, run_forward
from validation.studies.sensitivity import TOLERANCE, observed_order

GRID = Grid((7, 6), (0.9, 1.1), Sides("no-flux", "no-flux", "periodic", "periodic"))
SEGMENTS = (Segment(0.05, 1), Segment(0.1, 7), Segment(0.1, 20))
CHANNEL = Channel(columns=12, t_end=0.5)


@pytest.fixture
def case(rng):
    u, v, f = rng.uniform(-1, 1, (3, *GRID.shape))
    Dx, Dy = rng.uniform(0.1, 0.4, (2, *GRID.shape))
    return DiffusionAdvection(GRID, (u, v), (Dx, Dy), f), rng.uniform(-1, 1, (2, *GRID.shape))


def moved(problem, initial, name, by):
    u, v, Dx, Dy, f = problem.fields()
    parts = {"u": u, "v": v, "Dx": Dx, "Dy": Dy, "source": f, "now": initial}
    parts[name] = parts[name] + by
    changed = replace(
        problem, velocity=(parts["u"], parts["v"]), diffusivity=(parts["Dx"], parts["Dy"]), source=parts["source"]
    )
    return changed, parts["now"]


@pytest.mark.parametrize("name", [name for name in Inputs._fields if name != "old"])
def test_a_functional_of_several_times_has_the_derivative_that_comes_back(name, case, rng):
    problem, initial = case
    weights = rng.uniform(-1, 1, (len(SEGMENTS), *initial.shape))
    direction = rng.uniform(-1, 1, initial.shape if name == "now" else GRID.shape)

    def functional(e):
        seen = run_forward(*moved(problem, initial, name, e * direction), SEGMENTS).seen
        return sum(float((weight * H).sum()) for weight, H in zip(weights, seen, strict=True))

    gradient = pull_back(run_forward(problem, initial, SEGMENTS), weights)
    assert float((getattr(gradient, name) * direction).sum()) == pytest.approx(
        central_difference(functional, 1e-3), rel=1e-9
    )
    assert not gradient.old.any()


def test_what_is_seen_before_the_end_counts(case):
    problem, initial = case
    trajectory = run_forward(problem, initial, SEGMENTS)
    none, one = np.zeros_like(initial), np.ones_like(initial)
    early = pull_back(trajectory, (none, one, none)).u
    alone = pull_back(run_forward(problem, initial, SEGMENTS[:2]), (none, one)).u
    np.testing.assert_allclose(early, alone, rtol=1e-12)
    assert np.abs(early).max() > 0.01


def test_one_run_cut_in_segments_is_the_run_of_the_solver(case):
    problem, initial = case
    seen = run_forward(problem, initial, (Segment(0.1, 3), Segment(0.1, 9))).seen
    solution = solve(problem, initial, 1.2, dt=0.1, start="copy", save_at=(0.3, 1.2))
    np.testing.assert_array_equal(seen, solution.fields)


@pytest.fixture
def spoilt(monkeypatch):
    """The adjoint of the kernels, one gradient of which is wrong in one cell."""

    def spoil(name, cell):
        engine = backends.get("auto")
        right = engine.adjoint

        def adjoint(*arguments):
            found = right(*arguments)
            getattr(found, name)[cell] *= 1 + 10 * TOLERANCE
            return found

        monkeypatch.setattr(engine, "adjoint", adjoint)

    return spoil


@pytest.mark.parametrize("name", STEPS)
def test_one_wrong_cell_is_noticed(name, spoilt):
    right = CHANNEL.sensitivities()
    (first, *_) = probes(CHANNEL, right, name, cells=1, directions=0)
    assert first.difference < TOLERANCE / 10
    spoilt(name, np.unravel_index(np.argmax(np.abs(getattr(right, name))), right.u.shape))
    (first, *_) = probes(CHANNEL, CHANNEL.sensitivities(), name, cells=1, directions=0)
    assert first.difference > TOLERANCE


def test_the_flow_of_the_channel_is_free_of_divergence_and_does_not_cross_the_walls():
    channel = Channel(columns=96)
    u, v, *_ = channel.problem.fields()
    dx, dy = channel.grid.spacing
    divergence = (np.roll(u, -1, 0) - np.roll(u, 1, 0))[:, 1:-1] / (2 * dx) + (v[:, 2:] - v[:, :-2]) / (2 * dy)
    assert np.abs(divergence).max() < 0.01 * np.abs(np.gradient(u, dy, axis=1)).max()
    assert np.abs(v[:, [0, -1]]).max() < 1e-3


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_observed_order_is_that_of_the_changes(order):
    assert observed_order([5 + 2.0 ** (-order * k) for k in range(3)]) == pytest.approx(order)


def test_the_differences_are_exact_for_a_polynomial_of_degree_four():
    assert central_difference(lambda e: 3 * e + e**2 - e**3 + 7 * e**4, 0.5) == pytest.approx(3)
