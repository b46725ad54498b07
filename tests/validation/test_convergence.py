"""The order is fitted right, paths refine what they say, and a wrong order is noticed on either side."""

from dataclasses import replace

import numpy as np
import pytest

from validation.convergence import (
    Convergence,
    Path,
    Refinement,
    against_equation,
    against_method_of_lines,
    against_semi_discrete,
    converge,
    telegraph_of,
)
from validation.presenting import convergence_table, order_claim, order_matrix, orders_claim
from validation.problems import BOUNDARIES, CosineMode, FourierMode, HeatKernel, Manufactured

MODE = FourierMode(rows=12, columns=10)


def synthetic(order, path=Path.DIFFUSIVE):
    dx = (0.1, 0.05, 0.025)
    dt = tuple(d**2 for d in dx)
    size = dt if path is Path.TIME else dx
    return Convergence(path, "heun", (10, 20, 40), dx, dt, tuple(3 * s**order for s in size))


@pytest.mark.parametrize("path", Path)
def test_the_fitted_order_is_the_exponent_of_the_error(path):
    run = synthetic(1.7, path)
    assert run.order == pytest.approx(1.7)
    assert run.local_orders == pytest.approx((1.7, 1.7))


@pytest.mark.parametrize(("order", "holds"), [(1.8, False), (1.9, True), (2.1, True), (2.2, False)])
def test_a_claim_of_order_two_rejects_a_lower_and_a_higher_order(order, holds):
    assert order_claim("case", synthetic(order), 2).holds is holds


@pytest.mark.parametrize(("order", "holds"), [(1.8, False), (1.9, True), (2.1, True), (2.2, False)])
def test_a_claim_about_many_rejects_if_one_is_lower_or_higher(order, holds):
    runs = [synthetic(2), synthetic(order), synthetic(2)]
    claim = orders_claim("cases", runs, 2)
    assert claim.holds is holds
    assert claim.measured == f"{min(2, order):.3f} to {max(2, order):.3f}"


@pytest.mark.parametrize(
    ("path", "rows", "dt"),
    [(Path.DIFFUSIVE, 36, 0.1 / 9), (Path.HYPERBOLIC, 36, 0.1 / 3), (Path.TIME, 12, 0.1 / 3)],
)
def test_each_path_refines_what_it_says(path, rows, dt):
    problem, step = Refinement(path, dt=0.1, t_end=1.0).level(MODE, 3)
    assert problem.rows == rows
    assert step == pytest.approx(dt)


def test_a_wrong_exact_solution_shows_as_an_error_that_does_not_fall():
    def wrong(mode, dt, start, t):
        return 1.01 * against_equation(mode, dt, start, t)

    run = converge(MODE, Refinement(Path.DIFFUSIVE, dt=0.01, t_end=0.1, factors=(4, 8)), reference=wrong)
    assert run.order < 1.5


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_the_source_of_another_equation_shows_as_an_error_that_does_not_fall(boundary, monkeypatch):
    """The manufactured source belongs to D H_xx; the solver is given (D H_x)_x."""
    right = Manufactured.problem.fget
    monkeypatch.setattr(Manufactured, "problem", property(lambda self: replace(right(self), diffusion="flux")))
    refinement = Refinement(Path.DIFFUSIVE, dt=0.01, t_end=0.1, factors=(3, 5))
    assert converge(Manufactured(rows=12, columns=11, walls=BOUNDARIES[boundary]), refinement).order < 1


@pytest.mark.parametrize("analytic", [MODE, CosineMode(rows=9, columns=8), HeatKernel(rows=9, columns=8)])
def test_the_method_of_lines_by_scipy_is_the_closed_form(analytic):
    numerical = against_method_of_lines(analytic, 0.01, "heun", 0.3)
    np.testing.assert_allclose(numerical, against_semi_discrete(analytic, 0.01, "heun", 0.3), atol=1e-8)


def test_the_error_is_relative_to_the_exact_solution_at_the_end():
    refinement = Refinement(Path.TIME, dt=0.01, t_end=0.1, factors=(1,))

    def nothing(mode, dt, start, t):
        assert t == refinement.t_end
        return 2 * against_semi_discrete(mode, dt, start, t)

    assert converge(MODE, refinement, reference=nothing).errors[0] == pytest.approx(0.5, rel=0.01)


def test_the_telegraph_mode_of_heun_takes_tau_and_the_first_step_of_the_scheme():
    dt = 0.01
    telegraph = telegraph_of(MODE, dt, "heun")
    (Dx, Dy), (dx, dy) = MODE.diffusivity, MODE.grid.spacing
    assert telegraph.tau == pytest.approx(dt**2 * (Dx / dx**2 + Dy / dy**2))
    expected = MODE.mode(np.exp(dt * MODE.rate))
    assert np.abs(telegraph.exact(dt) - expected).max() < abs(dt * MODE.rate) ** 3


def test_the_telegraph_mode_of_euler_is_refused():
    with pytest.raises(ValueError, match=r"`start` is 'euler', but .* 'heun' and 'copy'"):
        telegraph_of(MODE, 0.01, "euler")


def test_the_matrix_of_orders_has_a_dash_where_there_is_no_run():
    table = order_matrix(
        "t", "form", ("p", "q"), {("a", "p"): synthetic(2), ("a", "q"): synthetic(1), ("b", "q"): synthetic(2)}
    )
    assert table.columns == ("form", "p", "q")
    assert list(table.rows) == [("a", "2.000", "1.000"), ("b", "-", "2.000")]


def test_the_table_has_one_row_a_level_and_the_order_to_the_next():
    table = convergence_table("t", {"a": synthetic(2), "b": synthetic(1)})
    assert [row[0] for row in table.rows] == ["a"] * 3 + ["b"] * 3
    two, one = pytest.approx(2), pytest.approx(1)
    assert [row[-1] for row in table.rows] == [two, two, "", one, one, ""]
