"""Two figures: the time of a call over K, and the rate on a grid over its size beside the roofline of one pass."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import grid_cases, layer_cases
from benchmarks.peers import OURS
from benchmarks.results import MEASURED, Row
from solver.plotting import PALETTE, house_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABELS = {
    OURS: "pdebridge",
    "torch": "plain torch",
    "torch.compile": "torch.compile",
    "numba": "Numba loop, one sweep a step",
    "devito": "Devito",
    "jax": "JAX",
    "numpy": "NumPy",
}
COLOURS = dict(zip(LABELS, PALETTE, strict=False))
MARKERS = dict(zip(LABELS, "osD^vPX", strict=True))


def draw(folder: Path, rows: Sequence[Row]) -> list[Path]:
    """Draw what the rows allow; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    measured = [row for row in rows if row.status == MEASURED]
    drawn = []
    with house_style():
        for name, figure in (
            ("time_over_steps", time_over_steps(measured)),
            ("rate_over_size", rate_over_size(measured)),
        ):
            if figure is not None:
                drawn.append(folder / f"{name}.png")
                figure.savefig(drawn[-1])
    return drawn


def time_over_steps(rows: Sequence[Row]) -> Any:
    """Draw the milliseconds of a call over K, forward, and forward with backward."""
    named = {(row.case, row.contender): row for row in rows if row.group in ("layer", "over K")}
    figure, panels = _figure(2)
    shown = False
    for axes, backward in zip(panels, (False, True), strict=True):
        for contender in LABELS:
            points = []
            for K in layer_cases.STEPS_OF_THE_FIGURE:
                case = layer_cases.case(layer_cases.layer(layer_cases.BATCH, K), backward, ())
                if row := named.get((case.name, contender)):
                    points.append((K, 1e3 * row.seconds))
            shown |= _line(axes, contender, points)
        axes.set(xscale="log", yscale="log", xlabel="time steps K of a call", ylabel="milliseconds a call")
        axes.set_title("forward and backward" if backward else "forward")
        axes.set_xticks(layer_cases.STEPS_OF_THE_FIGURE, [str(K) for K in layer_cases.STEPS_OF_THE_FIGURE])
        axes.minorticks_off()
    if not shown:
        return None
    figure.suptitle("2048 planes of 32 x 32, float32, coefficients per cell", x=0.01, ha="left")
    panels[0].legend()
    return figure


def rate_over_size(rows: Sequence[Row]) -> Any:
    """Draw million cell updates a second over the size of the grid, and what one pass a step can reach at most."""
    named = {(row.case, row.contender): row for row in rows if row.group in ("grid", "over size")}
    sizes = sorted(grid_cases.STEPS)
    figure, (axes,) = _figure(1)
    shown = False
    ceiling = []
    for contender in LABELS:
        points = []
        for size in sizes:
            case = grid_cases.case(grid_cases.grid(size, "float64"), ())
            if row := named.get((case.name, contender)):
                points.append((size, row.rate / 1e6))
                ceiling.append(row.copy / (8 * 8) / 1e6)
        shown |= _line(axes, contender, points)
    if not shown:
        return None
    level = sum(ceiling) / len(ceiling)
    axes.axhline(level, color="#444444", linestyle="--", linewidth=1.4)
    axes.annotate(
        f"one pass over memory a step: 8 words a cell at the rate of a copy = {level:.0f}",
        (sizes[0], level),
        xytext=(0, 4),
        textcoords="offset points",
        color="#444444",
        fontsize="small",
    )
    axes.set(xscale="log", yscale="log", xlabel="rows and columns of the grid", ylabel="million cell updates a second")
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.minorticks_off()
    axes.set_title("One periodic grid, float64, u, v, Dx, Dy and f per cell")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _figure(panels: int) -> tuple[Any, Sequence[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 4.6))
    return figure, [figure.add_subplot(1, panels, n + 1) for n in range(panels)]


def _line(axes: Axes, contender: str, points: Sequence[tuple[int, float]]) -> bool:
    if not points:
        return False
    width = 2.6 if contender == OURS else 1.6
    axes.plot(
        *zip(*points, strict=True),
        label=LABELS[contender],
        color=COLOURS[contender],
        marker=MARKERS[contender],
        linewidth=width,
    )
    return True
