"""Study: backends, dtypes and threads: how far rounding drives them apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from solver.plotting import PALETTE, house_style
from validation.precision import Drift, cases, drifts, threads_agree, total_errors
from validation.presenting import ORDER_TOLERANCE
from validation.study import Claim, Picture, Study, StudyResult, Table, Work

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUESTION = """The NumPy reference in float64 is the truth here; the kernels in float64, and both backends in float32,
start from the same field. How far have they come apart after many steps? Rounding errors that are independent add up
like the root of the number of steps; one that repeats, such as a coefficient rounded once, adds up like the number
itself. Then the price of small steps in float32: the error of the time stepping falls with dt², but the change of H in
one step falls with dt, and rounding takes a growing part of it."""

STEPS = (10, 30, 100, 300, 1000, 3000, 10_000)
QUICK_STEPS = (*STEPS[:-2], 2000)
COUNTS = (64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536)
QUICK_COUNTS = COUNTS[:-2]

#: Relative L2 distance from the truth that rounding may reach after the longest run.
BOUNDS = {"float64": 1e-12, "float32": 5e-5}


def run(work: Work) -> StudyResult:
    """Measure, judge and draw."""
    steps, counts = (STEPS, COUNTS) if work.full else (QUICK_STEPS, QUICK_COUNTS)
    found = [drift for case in work.each(cases(), share=0.7) for drift in drifts(case, steps)]
    totals = {name: total_errors(name, counts) for name in work.each(("float64", "float32"))}
    slope = -float(np.polyfit(np.log(counts), np.log(totals["float64"]), 1)[0])
    least, last = min(totals["float32"]), totals["float32"][-1]
    fastest = max(found, key=lambda drift: drift.power)
    claims = [*(_bound_claim(found, dtype, steps[-1]) for dtype in BOUNDS)]
    claims += [
        Claim(
            "rounding grows no faster than the number of steps: with a power below 1.1",
            fastest.power < 1.1,
            f"{fastest.power:.2f} ({fastest.case}, {fastest.backend}, {fastest.dtype})",
        ),
        Claim(
            "one, two and three threads give the same bits, for a batch and for one large plane",
            threads_agree(),
            "50 steps",
        ),
        Claim(
            f"float64: the error of the time stepping falls at order 2 ± {ORDER_TOLERANCE} down to the smallest dt",
            abs(slope - 2) < ORDER_TOLERANCE,
            f"{slope:.3f}",
        ),
        Claim(
            "float32: below some dt rounding takes over, and the smallest dt is not the best, by 3 times or more",
            last > 3 * least,
            f"{least:.2g} at {counts[int(np.argmin(totals['float32']))]} steps, {last:.2g} at {counts[-1]}",
        ),
    ]
    shown = (0, len(steps) // 2, len(steps) - 1)
    rows = [(d.case, d.backend, d.dtype, *(d.distance[i] for i in shown), d.power) for d in found]
    columns = ("case", "backend", "dtype", *(f"after {steps[i]} steps" for i in shown), "power")
    error_rows = list(zip(counts, *totals.values(), strict=True))
    return StudyResult(
        claims,
        [
            Table("precision", columns, rows, "Relative L2 distance from the NumPy reference in float64."),
            Table("small-steps", ("steps", *totals), error_rows, "Relative error of the time stepping at t = 0.2."),
        ],
        [
            Picture("precision", draw_drifts(found), "Distance from the truth by step: float32 far above."),
            Picture("small-steps", draw_totals(counts, totals), "Error by steps: float64 falls, float32 turns up."),
        ],
    )


def _bound_claim(found: Sequence[Drift], dtype: str, steps: int) -> Claim:
    worst = max((d for d in found if d.dtype == dtype), key=lambda d: d.distance[-1])
    return Claim(
        f"{dtype}: after {steps} steps every backend is within {BOUNDS[dtype]:g} of the truth",
        worst.distance[-1] < BOUNDS[dtype],
        f"{worst.distance[-1]:.2g} ({worst.case}, {worst.backend})",
    )


def draw_drifts(found: Sequence[Drift]) -> Figure:
    """Draw the distance from the truth against the step, a panel a case."""
    import matplotlib.pyplot as plt

    looks = {
        ("numpy", "float32"): (PALETTE[1], "-", "s", "NumPy, float32"),
        ("cpu", "float32"): (PALETTE[0], "-", "o", "kernels, float32"),
        ("cpu", "float64"): (PALETTE[2], "-", "^", "kernels, float64"),
    }
    names = list(dict.fromkeys(drift.case for drift in found))
    with house_style():
        figure, axes = plt.subplots(1, len(names), figsize=(8.4, 3.9), sharey=True)
        for ax, name in zip(axes, names, strict=True):
            for drift in (d for d in found if d.case == name):
                colour, line, marker, label = looks[drift.backend, drift.dtype]
                ax.loglog(drift.steps, drift.distance, line, color=colour, marker=marker, label=label)
            steps = np.array(found[0].steps)
            guide = 2e-11 * np.sqrt(steps / steps[0])
            ax.loglog(steps, guide, color="#777777", linestyle="--", linewidth=1.0)
            ax.annotate(
                "√steps", (steps[-1], guide[-1]), xytext=(0, 5), textcoords="offset points", ha="right", color="#555555"
            )
            ax.set(title=name, xlabel="step")
        axes[0].set(ylabel="relative distance from NumPy, float64")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def draw_totals(counts: Sequence[int], totals: dict[str, list[float]]) -> Figure:
    """Draw the error at one time against the number of steps to it."""
    import matplotlib.pyplot as plt

    with house_style():
        figure, ax = plt.subplots(figsize=(6.4, 3.9))
        for (dtype, errors), marker, colour in zip(totals.items(), "^o", (PALETTE[2], PALETTE[0]), strict=True):
            ax.loglog(counts, errors, marker=marker, color=colour, label=dtype)
        best = int(np.argmin(totals["float32"]))
        ax.annotate(
            "from here on rounding\nis more than dt² gains",
            (counts[best], totals["float32"][best]),
            xytext=(-20, -58),
            textcoords="offset points",
            ha="right",
            arrowprops={"arrowstyle": "->", "color": "#555555"},
            color="#555555",
        )
        ax.set(xlabel="steps to t = 0.2", ylabel="relative error of the time stepping")
        ax.set_title("Small steps in float32")
        ax.legend()
    return figure


STUDY = Study("precision", "Backends and dtypes", QUESTION, run, weight=1.0)
