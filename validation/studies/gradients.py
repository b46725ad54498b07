"""Study: the adjoint of the layer is its adjoint."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from solver.plotting import house_style
from validation.gradients import EPSILONS, INPUTS, STEPS, TaylorTest, dot_test, taylor_test
from validation.study import Claim, Picture, Study, StudyResult, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUESTION = f"""For each of the layer's seven inputs, over {STEPS} steps. Dot test: ⟨J x, y⟩, pushed forward in
plain torch, against ⟨x, Jᵀ y⟩, pulled back by the kernel's adjoint. Taylor test: φ(x + εd) - φ(x) should fall
like ε, and like ε² once ε⟨∇φ, d⟩ is taken off; a wrong gradient leaves the second slope at 1."""

DOT_TOLERANCE = 1e-12
SLOPE_TOLERANCE = 0.1


def run() -> StudyResult:
    """Measure, judge and draw."""
    if find_spec("torch") is None:
        return StudyResult(skipped="torch is not installed")
    dots = [dot_test(name) for name in INPUTS]
    taylors = [taylor_test(name) for name in INPUTS]
    worst = max(dots, key=lambda test: test.difference)
    claims = [
        Claim(
            f"dot test: both sides agree to {DOT_TOLERANCE:g} for every input",
            worst.difference < DOT_TOLERANCE,
            f"{worst.difference:.2g} ({worst.name})",
        )
    ]
    for order in (1, 2):
        errors = {test.name: abs(test.slopes[order - 1] - order) for test in taylors}
        name = max(errors, key=errors.__getitem__)
        claims.append(
            Claim(
                f"Taylor test: slope {order} ± {SLOPE_TOLERANCE} for every input",
                errors[name] < SLOPE_TOLERANCE,
                f"off by {errors[name]:.2g} ({name})",
            )
        )
    rows = [
        (dot.name, dot.forward, dot.adjoint, dot.difference, *taylor.slopes)
        for dot, taylor in zip(dots, taylors, strict=True)
    ]
    columns = ("input", "⟨J x, y⟩", "⟨x, Jᵀ y⟩", "difference", "Taylor slope 1", "Taylor slope 2")
    alt = "Remainders against ε: seven lines of slope 1, seven of slope 2."
    return StudyResult(claims, [Table("gradients", columns, rows)], [Picture("taylor", draw(taylors), alt)])


def draw(tests: Sequence[TaylorTest]) -> Figure:
    """Draw both remainders of every input against epsilon."""
    import matplotlib.pyplot as plt

    with house_style():
        figure, axes = plt.subplots(1, 2, figsize=(7.4, 3.8), sharex=True)
        titles = ("φ(x + εd) - φ(x): slope 1", "the same less ε⟨∇φ, d⟩: slope 2")
        for order, (ax, title) in enumerate(zip(axes, titles, strict=True), 1):
            for test in tests:
                remainders = (test.first, test.second)[order - 1]
                ax.loglog(EPSILONS, remainders, marker="o", label=test.name)
            ax.set(title=title, xlabel="ε")
        axes[0].set(ylabel="remainder")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=7)
    return figure


STUDY = Study("gradients", "Gradients of the layer", QUESTION, run)
