"""Study: along dt ~ dx^2 the scheme converges at order 2, in every form and with every boundary."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING, Literal, get_args

from solver.plotting import PALETTE, house_style
from solver.records import ADVECTION, DIFFUSION
from validation.convergence import Convergence, Path, Refinement, Start, converge
from validation.presenting import (
    convergence_table,
    draw_convergence,
    order_claim,
    order_matrix,
    order_range,
    orders_claim,
)
from validation.problems import BOUNDARIES, FORMS, FourierMode, Gaussian, HeatKernel, Manufactured
from validation.study import Picture, Study, StudyResult, Work

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUESTION = """With dt halved twice where dx is halved once (dt ~ dx²), the consistency time
τ = dt² (Dx/dx² + Dy/dy²) vanishes like dx², and the error against the exact solution should fall at order
2. Asked of solutions in closed form: a travelling, decaying Fourier mode; a drifting, spreading Gaussian; the heat
kernel between no-flux walls. And of manufactured solutions in which u, v, Dx, Dy and the source all vary over the
plane, the source in time as well: for each form of the advection and of the diffusion, each boundary, each start. In
none of them are the two axes alike."""

LineStyle = Literal["-", "--"]
Case = tuple[str, str, str, Start]
Runs = Mapping[tuple[str, str], Convergence]

LINES: tuple[tuple[LineStyle, str], ...] = (("-", "o"), ("--", "s"))  # and markers, by form of the diffusion
QUICK_FORMS = (("skew", "laplacian"), ("flux", "flux"))  # with every boundary; the others with the mixed one


def cases(full: bool) -> list[Case]:
    """Return (advection, diffusion, boundary, start) of every run."""
    every: list[Case] = [
        (*form, boundary, start) for start, form, boundary in product(get_args(Start), FORMS, BOUNDARIES)
    ]
    return every if full else [case for case in every if _quick(*case)]


def _quick(advection: str, diffusion: str, boundary: str, start: Start) -> bool:
    """Whether a run is one of the quick ones: every form, boundary and start is in some of them."""
    form = (advection, diffusion)
    if start == "heun":
        return boundary == "mixed" or form in QUICK_FORMS
    return boundary == "mixed" and form == QUICK_FORMS[0]


def label(advection: str, diffusion: str, start: Start) -> str:
    """Return the name of a row of the table of orders."""
    return f"{advection}, {diffusion}" if start == "heun" else f"{advection}, {diffusion}, start={start!r}"


def measure(work: Work) -> dict[tuple[str, str], Convergence]:
    """Refine the manufactured solutions along dt ~ dx^2, by odd factors because of the mixed boundary."""
    if work.full:
        refinement = Refinement(Path.DIFFUSIVE, dt=0.01, t_end=0.3, factors=(1, 3, 5, 7))
    else:
        refinement = Refinement(Path.DIFFUSIVE, dt=0.01, t_end=0.1, factors=(1, 3, 5))
    runs = {}
    for advection, diffusion, boundary, start in work.each(cases(work.full)):
        analytic = Manufactured(
            rows=12, columns=11, walls=BOUNDARIES[boundary], advection=advection, diffusion=diffusion
        )
        runs[label(advection, diffusion, start), boundary] = converge(analytic, refinement, start=start)
    return runs


def measure_closed_form(work: Work) -> dict[str, Convergence]:
    """Refine the problems whose solution is in closed form along dt ~ dx^2."""
    refinement = Refinement(Path.DIFFUSIVE, dt=0.01, t_end=0.2, factors=(1, 2, 4, 8) if work.full else (1, 2, 4))
    problems = (FourierMode(rows=24, columns=20), Gaussian(rows=32, columns=28), HeatKernel(rows=16, columns=18))
    return {analytic.name: converge(analytic, refinement) for analytic in work.each(problems, share=0.1)}


def run(work: Work) -> StudyResult:
    """Measure, judge and draw."""
    closed, runs = measure_closed_form(work), measure(work)
    columns = {boundary: [run for (_, b), run in runs.items() if b == boundary] for boundary in BOUNDARIES}
    return StudyResult(
        claims=[
            *(order_claim(name, convergence, 2) for name, convergence in closed.items()),
            *(orders_claim(f"manufactured, {boundary}", of, 2) for boundary, of in columns.items()),
        ],
        tables=[
            order_matrix(
                "orders",
                "advection, diffusion",
                tuple(BOUNDARIES),
                runs,
                "Observed orders of the manufactured solutions, dt ~ dx². start='heun' where none is named; copy, of "
                "order 1 in dt, is of order 2 here too. Mixed: Dirichlet at x = 0 and y = Ly, no-flux at the other two "
                "walls. A dash: with --full.",
            ),
            convergence_table("orders-closed-form", closed),
            convergence_table("orders-manufactured", {", ".join(key): run for key, run in runs.items()}),
        ],
        pictures=[
            Picture("orders", draw_closed_form(closed), "Three error curves, each parallel to a line of slope 2."),
            Picture(
                "orders-manufactured",
                draw_manufactured(runs),
                "Four panels, one a boundary: the error curves of all forms, each parallel to a line of slope 2.",
            ),
        ],
    )


def draw_closed_form(runs: Mapping[str, Convergence]) -> Figure:
    """Draw the errors of the problems in closed form."""
    import matplotlib.pyplot as plt

    with house_style():
        figure, axes = plt.subplots(figsize=(6.4, 4.2))
        draw_convergence(axes, runs)
        axes.set(xlabel="dx", title="Error against the exact solution, dt ~ dx²")
    return figure


def draw_manufactured(runs: Runs) -> Figure:
    """Draw the errors of the manufactured solutions from start="heun", one panel a boundary, one line a form."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import FixedLocator, FormatStrFormatter, NullLocator

    colours = dict(zip(ADVECTION, PALETTE, strict=False))
    styles = dict(zip(DIFFUSION, LINES, strict=True))
    with house_style():
        figure, axes = plt.subplots(2, 2, figsize=(7.4, 6.4), sharex=True, sharey=True)
        for ax, boundary in zip(axes.flat, BOUNDARIES, strict=True):
            drawn = {form: runs[key] for form in FORMS if (key := (label(*form, "heun"), boundary)) in runs}
            for (advection, diffusion), run in drawn.items():
                line, marker = styles[diffusion]
                ax.loglog(run.dx, run.errors, color=colours[advection], linestyle=line, marker=marker, linewidth=1.3)
            finest = min(drawn.values(), key=lambda run: run.errors[-1])
            guide = [0.5 * finest.errors[-1] * (dx / finest.dx[-1]) ** 2 for dx in finest.dx]
            ax.loglog(finest.dx, guide, color="#777777", linestyle=":", linewidth=1.2)
            ax.annotate(
                "slope 2", (finest.dx[1], guide[1]), xytext=(4, -10), textcoords="offset points", color="#555555"
            )
            ax.set_title(f"{boundary}: {order_range(drawn.values())}")
            ax.xaxis.set_major_locator(FixedLocator([0.01, 0.02, 0.05, 0.1]))
            ax.xaxis.set_major_formatter(FormatStrFormatter("%g"))
            ax.xaxis.set_minor_locator(NullLocator())
        for ax in axes[-1]:
            ax.set_xlabel("dx")
        for ax in axes[:, 0]:
            ax.set_ylabel("relative error (L2)")
        figure.suptitle("Manufactured solutions, dt ~ dx²: observed orders by boundary", fontsize="medium")
        figure.legend(handles=_form_handles(colours, styles), loc="outside lower center", ncols=3, fontsize="small")
    return figure


def _form_handles(colours: Mapping[str, str], styles: Mapping[str, tuple[LineStyle, str]]) -> list[object]:
    """Return the entries of a legend: colours for the advection, lines for the diffusion."""
    from matplotlib.lines import Line2D

    advection = [Line2D([], [], color=colour, label=f"advection {form!r}") for form, colour in colours.items()]
    diffusion = [
        Line2D([], [], color="#444444", linestyle=line, marker=marker, label=f"diffusion {form!r}")
        for form, (line, marker) in styles.items()
    ]
    return [*advection, *diffusion]


STUDY = Study("orders", "Order of convergence", QUESTION, run, weight=6.0)
