"""How a study presents refinement runs: curves, a table, claims about the order."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from validation.convergence import Convergence
from validation.study import Claim, Table

#: How far a fitted order may be from the expected one, on either side.
ORDER_TOLERANCE = 0.15

MARKERS = "osD^v"


def order_claim(subject: str, run: Convergence, expected: int) -> Claim:
    """Claim that the fitted order is ``expected``, neither lower nor higher."""
    return Claim(
        f"{subject}: the order is {expected} ± {ORDER_TOLERANCE}",
        abs(run.order - expected) < ORDER_TOLERANCE,
        f"{run.order:.3f}",
    )


def orders_claim(subject: str, runs: Collection[Convergence], expected: int) -> Claim:
    """Claim that the fitted order of every one of ``runs`` is ``expected``, neither lower nor higher."""
    orders = [run.order for run in runs]
    return Claim(
        f"{subject}: the order is {expected} ± {ORDER_TOLERANCE} in all of {len(runs)} cases",
        max(abs(order - expected) for order in orders) < ORDER_TOLERANCE,
        order_range(runs),
    )


def order_range(runs: Collection[Convergence]) -> str:
    """Return the lowest and the highest order in words."""
    orders = [run.order for run in runs]
    return f"{min(orders):.3f} to {max(orders):.3f}"


def order_matrix(
    name: str, corner: str, columns: Sequence[str], runs: Mapping[tuple[str, str], Convergence], note: str = ""
) -> Table:
    """Fitted orders of ``runs``, whose keys are (row, column); a dash where there is no run."""
    labels = dict.fromkeys(row for row, _ in runs)  # in the order of the runs
    rows = [
        (label, *(f"{runs[label, column].order:.3f}" if (label, column) in runs else "-" for column in columns))
        for label in labels
    ]
    return Table(name, (corner, *columns), rows, note)


def convergence_table(name: str, runs: Mapping[str, Convergence], note: str = "") -> Table:
    """One row a level, coarse to fine, with the order from each level to the next finer one."""
    rows: list[tuple[object, ...]] = []
    for label, run in runs.items():
        orders: tuple[object, ...] = (*run.local_orders, "")
        rows += zip([label] * len(run.rows), run.rows, run.dx, run.dt, run.errors, orders, strict=True)
    return Table(name, ("case", "rows", "dx", "dt", "relative error", "order to next"), rows, note)


def draw_convergence(axes: Any, runs: Mapping[str, Convergence], slopes: tuple[int, ...] = (2,)) -> None:
    """Draw errors against sizes, log-log, one line a run, with grey guides of the given slopes below them."""
    from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

    for marker, (label, run) in zip(MARKERS, runs.items(), strict=False):
        axes.loglog(run.sizes, run.errors, marker=marker, label=f"{label}: {run.order:.2f}")
    sizes = np.array(sorted({size for run in runs.values() for size in run.sizes}))
    floor = min(run.errors[-1] for run in runs.values())
    for slope in slopes:
        guide = 0.4 * floor * (sizes / sizes[0]) ** slope
        axes.loglog(sizes, guide, color="#777777", linestyle="--", linewidth=1.0, zorder=1)
        axes.annotate(
            f"slope {slope}",
            (sizes[-1], guide[-1]),
            xytext=(4, 0),
            textcoords="offset points",
            color="#555555",
            va="center",
        )
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set(ylabel="relative error (L2)")
    axes.legend(title="fitted order")
