"""Study: scipy's integrators, on a matrix of their own, agree with the scheme where no exact solution is at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from solver import solve
from solver.plotting import PALETTE, colour_scale, house_style, show_field
from solver.starting import tendency
from validation.convergence import Convergence
from validation.lines import Swinging, converge_to, integrate, integrate_implicitly, lines
from validation.norms import relative_error
from validation.presenting import MARKERS, ORDER_TOLERANCE
from validation.problems.base import Field
from validation.study import Claim, Picture, Study, StudyResult, Table, Work
from validation.variants import BOUNDARIES, COVERING, VARIANTS, Variant, rough_problem, smooth_problem

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from solver import Solution

QUESTION = """Where u, v, Dx, Dy, f and the values on the walls all vary, an independent code is the judge. The
equations discrete in space, dH/dt = A H + g, are written down cell by cell as a sparse matrix, from the
definition of each form and boundary and without a line of the solver, and integrated by scipy's
<code>solve_ivp</code> to eleven digits. On a fixed grid the scheme should converge to that solution at order 2 in
dt, for each of three forms of the advection, two of the diffusion, and four boundaries; and no less with a
velocity and a source that swing in time."""

T_END = 0.4
COUNTS = (20, 40, 80, 160, 320)
SWINGING = (Variant("skew", "laplacian", "periodic"), Variant("product", "flux", "mixed"))
TURN = 8.0

ROUNDING = 1e-14
ORACLE_TOLERANCE = 1e-10
OWN_DT_TOLERANCE = 0.01

SHOWN = Variant("skew", "laplacian", "mixed")


def tendency_difference(variant: Variant) -> float:
    """Return the largest difference between A H + g and the solver's tendency, over the largest value of it."""
    problem, H = rough_problem(variant)
    expected = lines(problem).rate(0.0, H.ravel()).reshape(H.shape)
    return float(np.max(np.abs(tendency(problem, H) - expected)) / np.max(np.abs(expected)))


def run(work: Work) -> StudyResult:
    """Measure, judge and draw."""
    variants = VARIANTS if work.full else COVERING
    differences = {str(variant): tendency_difference(variant) for variant in VARIANTS}
    runs: dict[str, Convergence] = {}
    oracles: list[float] = []
    for variant in work.each(variants, share=0.9):
        problem, initial = smooth_problem(variant)
        system = lines(problem)
        expected = integrate(system.rate, initial, T_END)
        if work.full or variant == variants[0]:
            oracles.append(relative_error(integrate_implicitly(system, initial, T_END), expected, problem.grid))
        runs[str(variant)] = converge_to(expected, problem, initial, T_END, COUNTS)
    for variant in work.each(SWINGING, share=0.5):
        steady, initial = smooth_problem(variant)
        swinging = Swinging(steady, TURN)
        expected = integrate(swinging.rate(), initial, T_END)
        runs[f"{variant}, swinging"] = converge_to(expected, swinging.problem, initial, T_END, COUNTS)

    problem, initial = smooth_problem(SHOWN, (48, 40) if work.full else (24, 20))
    expected, solution = integrate(lines(problem).rate, initial, T_END), solve(problem, initial, T_END)
    error = relative_error(solution.final, expected, problem.grid)
    return StudyResult(
        claims=[
            *_claims(differences, oracles, runs),
            Claim(
                f"with the dt that the solver chooses by itself, its error in time is below {OWN_DT_TOLERANCE:g}",
                error < OWN_DT_TOLERANCE,
                f"{error:.2g} in {solution.steps} steps ({SHOWN})",
            ),
        ],
        tables=[_table(runs)],
        pictures=[
            Picture("lines", draw(runs), "Error against dt: all lines fall with slope 2."),
            Picture(
                "lines-fields",
                draw_fields(expected, solution),
                "The field by scipy, by the scheme, and their difference.",
                f"Forms and boundary: {SHOWN}. H is held on the left and the upper wall; nothing crosses the others.",
            ),
        ],
    )


def _claims(differences: Mapping[str, float], oracles: Sequence[float], runs: Mapping[str, Convergence]) -> list[Claim]:
    rough = max(differences, key=differences.__getitem__)
    worst = max(runs, key=lambda name: abs(runs[name].order - 2))
    return [
        Claim(
            f"dH/dt of the solver is A H + g to {ROUNDING:g}, for every form and boundary, with random coefficients",
            differences[rough] < ROUNDING,
            f"{differences[rough]:.2g} ({rough})",
        ),
        Claim(
            f"the judge is sure: an explicit and an implicit integrator agree to {ORACLE_TOLERANCE:g}",
            max(oracles) < ORACLE_TOLERANCE,
            f"{max(oracles):.2g}",
        ),
        Claim(
            f"in dt it converges to the method of lines at order 2 ± {ORDER_TOLERANCE}, in all {len(runs)} cases",
            abs(runs[worst].order - 2) < ORDER_TOLERANCE,
            f"{runs[worst].order:.3f} ({worst})",
        ),
    ]


def _table(runs: Mapping[str, Convergence]) -> Table:
    columns = ("forms and boundary", *(f"error, dt = {T_END / count:g}" for count in COUNTS), "order")
    note = "Relative error (L2) against solve_ivp on the same grid: of the time stepping alone."
    return Table("lines", columns, [(name, *run.errors, run.order) for name, run in runs.items()], note)


def draw(runs: Mapping[str, Convergence]) -> Figure:
    """Draw the error of every case against dt, coloured by boundary."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import NullLocator

    with house_style():
        figure, axes = plt.subplots(figsize=(6.4, 4.2))
        shown: set[str] = set()
        for name, run in runs.items():
            boundary = name.split(", ")[2]
            swinging = name.endswith("swinging")
            index, label = (4, "swinging in time") if swinging else (BOUNDARIES.index(boundary), boundary)
            axes.loglog(
                run.dt,
                run.errors,
                color=PALETTE[index],
                marker=MARKERS[index],
                linewidth=1.0,
                label=None if label in shown else label,
            )
            shown.add(label)
        dt = np.array([T_END / COUNTS[0], T_END / COUNTS[-1]])
        guide = 0.5 * min(run.errors[-1] for run in runs.values()) * (dt / dt[-1]) ** 2
        axes.loglog(dt, guide, color="#777777", linestyle="--", linewidth=1.0)
        axes.annotate("slope 2", (dt[0], guide[0]), xytext=(4, 0), textcoords="offset points", va="center")
        axes.set_xticks([T_END / count for count in COUNTS], [f"{T_END / count:g}" for count in COUNTS])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set(xlabel="dt", ylabel="relative error (L2)", title=f"Scheme against solve_ivp, {len(runs)} cases")
        axes.legend()
    return figure


def draw_fields(expected: Field, solution: Solution) -> Figure:
    """Draw what scipy found, what the scheme found, and the difference."""
    import matplotlib.pyplot as plt

    difference = solution.final - expected
    scale = colour_scale(expected)
    panels = (
        (f"solve_ivp, t = {T_END:g}", expected, scale),
        (f"scheme, {solution.steps} steps", solution.final, scale),
        ("scheme - solve_ivp", difference, colour_scale(difference)),
    )
    with house_style():
        figure, axes = plt.subplots(1, 3, figsize=(9.6, 3.4), sharey=True, layout="compressed")
        for ax, (title, values, limits) in zip(axes, panels, strict=True):
            figure.colorbar(show_field(ax, solution.grid, values, limits), ax=ax, shrink=0.8)
            ax.set_title(title)
            ax.label_outer()
    return figure


STUDY = Study("lines", "The method of lines, by other means", QUESTION, run, weight=0.5)
