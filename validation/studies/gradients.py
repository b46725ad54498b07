"""Study: the adjoint of the layer is its adjoint, for every input, form and boundary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from solver.plotting import PALETTE, house_style
from validation.gradients import (
    ABSOLUTE,
    EPSILONS,
    FIELDS,
    RELATIVE,
    STEPS,
    WALL,
    Case,
    DotTest,
    TaylorTest,
    cases,
    dot_tests,
    gradcheck,
    taylor_tests,
    twin_difference,
)
from validation.study import Claim, Picture, Study, StudyResult, Table, Work

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUESTION = f"""For each of the layer's seven inputs, and for the values on walls that hold H, over {STEPS} steps, in
every form, with every boundary, with the Robert-Asselin-Williams filter and without. gradcheck: every entry of the
Jacobian against central differences. Dot test: ⟨J x, y⟩, pushed forward by a complex step of the NumPy reference,
against ⟨x, Jᵀ y⟩, pulled back by the kernel's adjoint. Taylor test: φ(x + εd) - φ(x) should fall like ε, and like
ε² once ε⟨∇φ, d⟩ is taken off; a wrong gradient leaves the second slope at 1. Twin: the kernel against plain torch,
result and gradients. The quick study takes a few cases that have every form and every boundary, the full one all."""

DOT_TOLERANCE = 1e-12
SLOPE_TOLERANCE = 0.1
TWIN_TOLERANCE = 1e-13


@dataclass(frozen=True)
class Found:
    """What the four tests found in one case."""

    case: Case
    jacobian: bool
    dots: Sequence[DotTest]
    taylors: Sequence[TaylorTest]
    twin: float

    @property
    def dot(self) -> float:
        """Largest relative difference of the dot tests."""
        return max(test.difference for test in self.dots)

    def slope_error(self, order: int) -> float:
        """Return how far the worst slope of this order is off."""
        return max(abs(test.slopes[order - 1] - order) for test in self.taylors)


def run(work: Work) -> StudyResult:
    """Measure, judge and draw."""
    if find_spec("torch") is None:
        return StudyResult(skipped="torch is not installed")
    found = [
        Found(case, gradcheck(case), dot_tests(case), taylor_tests(case), twin_difference(case))
        for case in work.each(cases(full=work.full))
    ]
    alt = "Remainders against ε: lines of slope 1 on the left, of slope 2 on the right, one for each input and case."
    return StudyResult(_claims(found), [_worst(found), _details(found)], [Picture("taylor", draw(found), alt)])


def _claims(found: Sequence[Found]) -> list[Claim]:
    wrong = [str(f.case) for f in found if not f.jacobian]
    dot = max(found, key=lambda f: f.dot)
    twin = max(found, key=lambda f: f.twin)
    claims = [
        Claim(
            f"gradcheck: the Jacobian is right to {ABSOLUTE:g} + {RELATIVE:g} of each entry, in every case",
            not wrong,
            "; ".join(wrong) or f"{len(found)} of {len(found)} cases",
        ),
        Claim(
            f"dot test: both sides agree to {DOT_TOLERANCE:g} for every input in every case",
            dot.dot < DOT_TOLERANCE,
            f"{dot.dot:.2g} ({dot.case})",
        ),
        Claim(
            f"kernel and plain torch agree to {TWIN_TOLERANCE:g}, in result and gradients, in every case",
            twin.twin < TWIN_TOLERANCE,
            f"{twin.twin:.2g} ({twin.case})",
        ),
    ]
    for order in (1, 2):
        worst = max(found, key=lambda f: f.slope_error(order))
        claims.append(
            Claim(
                f"Taylor test: slope {order} ± {SLOPE_TOLERANCE} for every input in every case",
                worst.slope_error(order) < SLOPE_TOLERANCE,
                f"off by {worst.slope_error(order):.2g} ({worst.case})",
            )
        )
    return claims


def _worst(found: Sequence[Found]) -> Table:
    """One row for each form and boundary: the worst over the inputs and over the filter."""
    rows = []
    for variant in dict.fromkeys(f.case.variant for f in found):
        group = [f for f in found if f.case.variant == variant]
        rows.append(
            (
                *variant,
                "right" if all(f.jacobian for f in group) else "wrong",
                max(f.dot for f in group),
                max(f.slope_error(1) for f in group),
                max(f.slope_error(2) for f in group),
                max(f.twin for f in group),
            )
        )
    columns = ("advection", "diffusion", "boundary", "gradcheck", "dot test", "slope 1 off", "slope 2 off", "twin")
    return Table("gradients", columns, rows, "The worst over all inputs, with the filter and without where both ran.")


def _details(found: Iterable[Found]) -> Table:
    """One row for each case and input."""
    rows = [
        (*f.case.variant, f.case.filtered, dot.name, dot.forward, dot.adjoint, dot.difference, *taylor.slopes)
        for f in found
        for dot, taylor in zip(f.dots, f.taylors, strict=True)
    ]
    columns = ("advection", "diffusion", "boundary", "filter", "input", "⟨J x, y⟩", "⟨x, Jᵀ y⟩", "difference",
               "Taylor slope 1", "Taylor slope 2")  # fmt: skip
    return Table("gradients-by-input", columns, rows)


def draw(found: Sequence[Found]) -> Figure:
    """Draw both remainders of every input in every case against epsilon."""
    import matplotlib.pyplot as plt

    with house_style():
        figure, axes = plt.subplots(1, 2, figsize=(7.4, 4.0), sharex=True)
        titles = ("φ(x + εd) - φ(x): slope 1", "the same less ε⟨∇φ, d⟩: slope 2")
        colours = dict(zip((*FIELDS, WALL), PALETTE, strict=True))
        for order, (ax, title) in enumerate(zip(axes, titles, strict=True), 1):
            for test in (test for f in found for test in f.taylors):
                remainders = (test.first, test.second)[order - 1]
                ax.loglog(EPSILONS, remainders, color=colours[test.name], linewidth=0.8, alpha=0.7, label=test.name)
            ax.set_xscale("log", base=2)
            ax.set(title=title, xlabel="ε")
        axes[0].set(ylabel="remainder")
        handles, labels = axes[0].get_legend_handles_labels()
        distinct = {name: handles[labels.index(name)] for name in colours if name in labels}
        legend = figure.legend(distinct.values(), distinct.keys(), loc="outside lower center", ncols=8, columnspacing=1)
        for line in legend.get_lines():
            line.set(linewidth=2.0, alpha=1.0)
    return figure


STUDY = Study("gradients", "Gradients of the layer", QUESTION, run, weight=1.0)
