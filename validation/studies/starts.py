"""Study: what the first step of the three-level scheme costs."""

from __future__ import annotations

from solver.plotting import house_style
from validation.convergence import Convergence, Path, Refinement, Start, against_semi_discrete, converge
from validation.presenting import convergence_table, draw_convergence, order_claim
from validation.problems import FourierMode
from validation.study import Picture, Study, StudyResult

QUESTION = """A three-level scheme needs a second level to start from. On a fixed grid, and against the exact
solution of the equations discrete in space, only the error of the time stepping is left. A first step by
Heun's or by Euler's method keeps order 2; the start of the published layer, a copy of the first level, should
lower it to 1."""

ORDERS: dict[Start, int] = {"heun": 2, "euler": 2, "copy": 1}


def measure() -> dict[Start, Convergence]:
    """Refine dt alone, with each start."""
    mode = FourierMode(rows=24, columns=20)
    refinement = Refinement(Path.TIME, dt=0.01, t_end=0.3, factors=(1, 2, 4, 8, 16))
    return {start: converge(mode, refinement, start=start, reference=against_semi_discrete) for start in ORDERS}


def run() -> StudyResult:
    """Measure, judge and draw."""
    import matplotlib.pyplot as plt

    runs = {f"start={start!r}": convergence for start, convergence in measure().items()}
    with house_style():
        figure, axes = plt.subplots(figsize=(6.4, 4.2))
        draw_convergence(axes, runs, slopes=(1, 2))
        axes.set(xlabel="dt", title="Error of the time stepping, by start", ylim=(1e-6, 1.0))  # room for the legend
    return StudyResult(
        claims=[
            order_claim(f"{label}, in time", convergence, order)
            for (label, convergence), order in zip(runs.items(), ORDERS.values(), strict=True)
        ],
        tables=[convergence_table("starts", runs)],
        pictures=[Picture("starts", figure, "Heun and Euler fall with slope 2 in dt, copy with slope 1.")],
    )


STUDY = Study("starts", "Start of the scheme", QUESTION, run)
