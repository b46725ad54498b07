"""Study: what a solution looks like, and where its error is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from solver import Solution, solve
from solver.plotting import colour_scale, house_style, show_field
from validation.norms import relative_error
from validation.problems import Gaussian
from validation.study import Claim, Picture, Study, StudyResult, Table, Work

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUESTION = """A Gaussian drifts across the periodic plane and spreads, twice as fast along y as along x. The
solver chooses the time step. Central differences are dispersive: the shorter a wave, the more it lags behind,
and the computed hill with it."""

T_END = 0.8


def run(work: Work) -> StudyResult:
    """Measure, judge and draw."""
    analytic = Gaussian(rows=96, columns=72)
    solution = solve(analytic.problem, analytic.exact(0.0), T_END)
    exact, computed = analytic.exact(T_END), np.asarray(solution.final)
    error = relative_error(computed, exact, analytic.grid)
    mass = analytic.exact(0.0).sum()
    drift = float(abs(computed.sum() / mass - 1))
    return StudyResult(
        claims=[
            Claim("the relative error is below 3 %", error < 0.03, f"{100 * error:.2g} %"),
            Claim("the mass is kept to 1e-12", drift < 1e-12, f"{drift:.2g}"),
        ],
        tables=[
            Table(
                "gaussian",
                ("dt", "steps", "stability number", "τ", "relative error", "change of mass"),
                [(solution.dt, solution.steps, solution.stability_number, solution.tau, error, drift)],
                f"dt: {solution.dt_reason}",
            )
        ],
        pictures=[
            Picture(
                "gaussian",
                draw(analytic, solution),
                "The hill at the start; exact, computed at the end; the error: the computed hill lags.",
            )
        ],
    )


def draw(analytic: Gaussian, solution: Solution) -> Figure:
    """Draw the initial field, the exact and the computed one at the end, and their difference."""
    import matplotlib.pyplot as plt

    grid, exact = analytic.grid, analytic.exact(T_END)
    scale = colour_scale(exact)
    panels = (
        ("exact, t = 0", analytic.exact(0.0), colour_scale(analytic.exact(0.0))),
        (f"exact, t = {T_END:g}", exact, scale),
        (f"computed, t = {T_END:g}", solution.final, scale),
        ("computed - exact", solution.final - exact, colour_scale(solution.final - exact)),
    )
    with house_style():
        figure, axes = plt.subplots(2, 2, figsize=(7.4, 5.0), sharex=True, sharey=True, layout="compressed")
        for ax, (title, values, limits) in zip(axes.flat, panels, strict=True):
            figure.colorbar(show_field(ax, grid, values, limits), ax=ax)
            ax.set_title(title)
            ax.label_outer()
    return figure


STUDY = Study("gaussian", "A solution", QUESTION, run, weight=0.1)
