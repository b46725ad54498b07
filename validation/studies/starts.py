"""Study: what the first step of the three-level scheme costs, with every boundary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from solver.plotting import house_style
from validation.convergence import (
    Convergence,
    Path,
    Refinement,
    Start,
    against_method_of_lines,
    against_semi_discrete,
    converge,
)
from validation.presenting import convergence_table, draw_convergence, order_matrix, orders_claim
from validation.problems import BOUNDARIES, FORMS, FourierMode, HeatKernel, Manufactured
from validation.study import Picture, Study, StudyResult, Work

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUESTION = """A three-level scheme needs a second level to start from. On a fixed grid, and against the solution
of the equations discrete in space, only the error of the time stepping is left. A first step by
Heun's or by Euler's method keeps order 2; the start of the published layer, a copy of the first level, should
lower it to 1. The solution discrete in space is known in closed form for a Fourier mode on the periodic plane and for
the heat kernel between no-flux walls. For the manufactured problem, everything variable and the source a function of
time, scipy integrates it to ten digits."""

DEFAULT = ("skew", "laplacian")  # the form of the solver where none is named

ORDERS: dict[Start, int] = {"heun": 2, "euler": 2, "copy": 1}

MODE, KERNEL = FourierMode(rows=24, columns=20), HeatKernel(rows=20, columns=18)


def measure(work: Work) -> dict[tuple[str, str], Convergence]:
    """Refine dt alone, with each start and each boundary."""
    refinement = Refinement(Path.TIME, dt=0.01, t_end=0.3, factors=(1, 2, 4, 8, 16) if work.full else (1, 2, 4))
    runs: dict[tuple[str, str], Convergence] = {}
    for start in work.each(ORDERS):
        for mode in (MODE, KERNEL):
            runs[start, mode.name] = converge(mode, refinement, start=start, reference=against_semi_discrete)
        for form in work.each(FORMS if work.full else (DEFAULT,)):
            row = start if form == DEFAULT else f"{start}; {', '.join(form)}"
            for boundary, walls in BOUNDARIES.items():
                analytic = Manufactured(rows=12, columns=11, walls=walls, advection=form[0], diffusion=form[1])
                runs[row, boundary] = converge(analytic, refinement, start=start, reference=against_method_of_lines)
    return runs


def run(work: Work) -> StudyResult:
    """Measure, judge and draw."""
    runs = measure(work)
    return StudyResult(
        claims=[
            orders_claim(
                f"start={start!r}, in time", [run for (row, _), run in runs.items() if row.startswith(start)], order
            )
            for start, order in ORDERS.items()
        ],
        tables=[
            order_matrix(
                "starts",
                "start",
                (MODE.name, KERNEL.name, *BOUNDARIES),
                runs,
                "Observed orders in dt on a fixed grid; the manufactured problem with four boundaries on the right, "
                "advection 'skew' and diffusion 'laplacian' where none are named.",
            ),
            convergence_table("starts-levels", {", ".join(key): run for key, run in runs.items()}),
        ],
        pictures=[Picture("starts", draw(runs), "Heun and Euler fall with slope 2 in dt, copy with slope 1.")],
    )


def draw(runs: Mapping[tuple[str, str], Convergence]) -> Figure:
    """Draw the error of each start, on the periodic plane and with mixed walls."""
    import matplotlib.pyplot as plt

    panels = {"Fourier mode, periodic": MODE.name, "everything variable, mixed walls": "mixed"}
    with house_style():
        figure, axes = plt.subplots(1, 2, figsize=(8.4, 4.2), sharey=True)
        for ax, (title, column) in zip(axes, panels.items(), strict=True):
            draw_convergence(ax, {f"start={start!r}": runs[start, column] for start in ORDERS}, slopes=(1, 2))
            ax.set(xlabel="dt", title=title, ylim=(1e-9, 1.0))  # room for the legend
            ax.legend(title="fitted order", loc="lower right")
            ax.label_outer()
        figure.suptitle("Error of the time stepping, by start", fontsize="medium")
    return figure


STUDY = Study("starts", "Start of the scheme", QUESTION, run, weight=2.5)
