"""Study: hills carried around in a solid rotation and in a swirl."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from solver import solve
from solver.plotting import colour_scale, house_style, show_field
from validation.convergence import Convergence, Path, Refinement, converge
from validation.norms import areas, relative_error
from validation.presenting import convergence_table, order_claim
from validation.problems import AnalyticProblem, RotatingCone, RotatingGaussian, Swirl
from validation.problems.base import Field
from validation.study import Claim, Picture, Study, StudyResult, Table, Work

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUESTION = """What advection does to a shape. A cone and a Gaussian turn once with the fluid, between walls that
hold zero (Molenkamp-Crowley); a hill is drawn out into a spiral by a swirl between solid walls, and drawn back
(LeVeque). Central differences keep the energy and the mass but are dispersive: short waves lag, and a trail of them
follows whatever has a corner, with values below zero. In a solid rotation u does not vary along x, nor v along y:
the three forms of the advection are one. In the swirl the usual measure, the error once all has returned, says
nothing here: leapfrog without diffusion is its own inverse, and the flow comes to rest halfway, so that every error
made on the way out is unmade, digit by digit, on the way back. The error that counts is that of the spiral, halfway,
against the paths of the flow."""

FORMS = ("product", "flux", "skew")
SMOOTH, JUMP = "spiral of a smooth hill", "spiral of a hill with a jump in its second derivative"


@dataclass(frozen=True)
class Carried:
    """A hill after some time in its flow."""

    analytic: RotatingCone | RotatingGaussian | Swirl
    t: float
    steps: int
    H: Field

    @cached_property
    def expected(self) -> Field:
        """The exact solution."""
        return self.analytic.exact(self.t)

    def error(self, norm: float) -> float:
        """Relative error, in L1, L2 or the largest value: 1, 2, inf."""
        return relative_error(self.H, self.expected, self.analytic.grid, norm)

    @property
    def change_of_mass(self) -> float:
        """Relative change since t = 0."""
        weights = areas(self.analytic.grid)
        return float((weights * self.H).sum() / (weights * self.analytic.exact(0.0)).sum() - 1)

    def row(self) -> tuple[object, ...]:
        """Return the row of the table."""
        norms = (self.error(norm) for norm in (1, 2, np.inf))
        lowest, highest = float(self.H.min()), float(self.H.max())
        case = (self.analytic.name, self.analytic.advection, self.analytic.rows, self.steps, self.t)
        return (*case, *norms, lowest, highest, float(self.expected.max()), self.change_of_mass)


COLUMNS = (
    "hill",
    "advection",
    "rows",
    "steps",
    "t",
    "error, L1",
    "L2",
    "largest",
    "lowest H",
    "highest H",
    "highest exact",
    "change of mass",
)


def carry(analytic: RotatingCone | RotatingGaussian | Swirl, steps: int, times: Sequence[float]) -> list[Carried]:
    """Solve up to the last of ``times`` in so many steps, and return what there is at each."""
    dt = times[-1] / steps
    solution = solve(analytic.problem, analytic.exact(0.0), times[-1], dt=dt, save_at=times)
    done = [round(t / dt) for t in times]
    return [Carried(analytic, t, k, H) for t, k, H in zip(times, done, solution.fields, strict=True)]


def turn(work: Work) -> list[Carried]:
    """Turn the cone, in every form, and the Gaussian, without and with diffusion, once."""
    n = 193 if work.full else 97
    hills: tuple[RotatingCone | RotatingGaussian, ...] = (
        *(RotatingCone(rows=n, columns=n, advection=form) for form in FORMS),
        RotatingGaussian(rows=n, columns=n, width=0.06),
        RotatingGaussian(rows=n, columns=n, width=0.05, diffusivity=2e-4),
    )
    return [carry(hill, 8 * (n - 1), (hill.period,))[0] for hill in work.each(hills, share=0.3)]


def swirl(work: Work) -> dict[str, list[Carried]]:
    """Draw the hill out and back, in every form."""
    n = 192 if work.full else 96
    swirls = [Swirl(rows=n, columns=n, advection=form) for form in FORMS]
    return {s.advection: carry(s, 4 * n, (s.period / 2, s.period)) for s in work.each(swirls, share=0.4)}


def refine(work: Work) -> dict[str, Convergence]:
    """Refine along dt ~ dx, where order 2 holds without diffusion; the swirl up to its spiral."""
    cases: dict[str, tuple[AnalyticProblem, float]] = {
        "rotating Gaussian": (RotatingGaussian(rows=97, columns=97, width=0.06), 0.25),
        SMOOTH: (Swirl(rows=64, columns=64, power=2, radius=0.3), 0.75),
    }
    if work.full:
        cases[JUMP] = Swirl(rows=64, columns=64), 0.75
    factors = (1, 2, 4) if work.full else (1, 2)
    return {
        name: converge(analytic, Refinement(Path.HYPERBOLIC, dt=t_end / 192, t_end=t_end, factors=factors))
        for name, (analytic, t_end) in work.each(cases.items())
    }


def claims(
    turned: Sequence[Carried], swirled: Mapping[str, Sequence[Carried]], orders: Mapping[str, Convergence]
) -> list[Claim]:
    """Judge all of it."""
    cones = [carried.H for carried in turned[: len(FORMS)]]
    apart = max(float(np.abs(H - cones[0]).max()) for H in cones)
    lowest, highest = float(cones[0].min()), float(cones[0].max())
    halfway, back = zip(*swirled.values(), strict=True)
    lost = max(abs(carried.change_of_mass) for carried in (*halfway, *back))
    spiral, returned = min(c.error(2) for c in halfway), max(c.error(2) for c in back)
    return [
        *(order_claim(f"{name}, dt ~ dx", of, 2) for name, of in orders.items() if name != JUMP),
        Claim("in a solid rotation the three forms are one, to 1e-12", apart < 1e-12, f"{apart:.2g}"),
        Claim(
            "the scheme is not monotone: the cone undershoots zero, by less than a tenth of its height",
            -0.1 < lowest < -0.01 and highest < 1,
            f"{lowest:.3f} to {highest:.3f}",
        ),
        Claim("the swirl keeps the mass to 1e-12 in every form", lost < 1e-12, f"{lost:.2g}"),
        Claim(
            "leapfrog retraces its steps: after the return the error is below 1e-12, though that of the spiral is not",
            returned < 1e-12 < 1e-3 < spiral,
            f"{returned:.2g} against {spiral:.2g}",
        ),
        Claim("the error of the spiral is below 6 % in every form", max(c.error(2) for c in halfway) < 0.06,
              " ".join(f"{form} {c.error(2):.4f}" for form, c in zip(swirled, halfway, strict=True))),
    ]  # fmt: skip


def run(work: Work) -> StudyResult:
    """Carry, judge and draw."""
    turned, swirled, orders = turn(work), swirl(work), refine(work)
    all_of_it = [*turned, *(carried for pair in swirled.values() for carried in pair)]
    return StudyResult(
        claims=claims(turned, swirled, orders),
        tables=[
            Table("rotation", COLUMNS, [carried.row() for carried in all_of_it]),
            convergence_table(
                "rotation-orders",
                orders,
                "Where a derivative jumps, as at the foot of LeVeque's hill, the solution is too rough for order 2.",
            ),
        ],
        pictures=[
            Picture(
                "rotation",
                draw([turned[len(FORMS) - 1], turned[len(FORMS)]], "Solid rotation, one turn about the centre"),
                "Cone and Gaussian: exact, computed after a turn, and their difference, a trail behind each hill.",
            ),
            Picture(
                "swirl",
                draw(swirled["skew"], "Reversing swirl, advection 'skew'"),
                "The spiral halfway, with its error; the hill after the return, where the error has all but vanished.",
            ),
        ],
    )


def draw(hills: Sequence[Carried], title: str) -> Figure:
    """Draw the beginning, what is computed and exact at the end, and the difference: one hill a row."""
    import matplotlib.pyplot as plt

    with house_style():
        figure, axes = plt.subplots(
            len(hills), 4, figsize=(11.0, 2.6 * len(hills)), sharex=True, sharey=True, layout="compressed"
        )
        for row, carried in zip(axes, hills, strict=True):
            analytic, exact, error = carried.analytic, carried.expected, carried.H - carried.expected
            scale = colour_scale(exact)
            panels = (
                (f"{analytic.name}, t = 0", analytic.exact(0.0), scale),
                (f"exact, t = {carried.t:g}", exact, scale),
                (f"computed, t = {carried.t:g}", carried.H, scale),
                (f"computed - exact: {100 * carried.error(2):.2g} % (L2)", error, _signed(error)),
            )
            for ax, (name, values, limits) in zip(row, panels, strict=True):
                figure.colorbar(show_field(ax, analytic.grid, values, limits), ax=ax, format="%.3g")
                ax.set_title(name, fontsize="small")
                ax.label_outer()
        figure.suptitle(title, fontsize="medium")
    return figure


def _signed(values: Field) -> dict[str, object]:
    """Return a diverging scale, centred at zero, also for errors of one sign."""
    reach = float(np.abs(values).max())
    return {"cmap": "RdBu_r", "vmin": -reach, "vmax": reach}


STUDY = Study("rotation", "Advection of shapes", QUESTION, run, weight=2.0)
