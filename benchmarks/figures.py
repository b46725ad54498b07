"""Two figures: the time of a call over K, and the rate on a grid over its size beside the roofline of one pass."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numba

from benchmarks import grid_cases, layer_cases
from benchmarks.peers import OURS
from benchmarks.results import MEASURED, Row
from solver.environment import processor
from solver.plotting import PALETTE, house_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABELS = {
    OURS: "pdebridge",
    "torch": "plain torch",
    "torch.compile": "torch.compile",
    "numba": "Numba loop,\none sweep a step",
    "devito": "Devito",
    "jax": "JAX",
    "numpy": "NumPy",
}
COLOURS = dict(zip(LABELS, PALETTE, strict=False))
MARKERS = dict(zip(LABELS, "osD^vPX", strict=True))
WORDS = 8  # that one step must move a cell: see `benchmarks.traffic`


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
        axes.set(xscale="log", yscale="log", xlabel="time steps K of a call")
        axes.set_title("forward and backward" if backward else "forward")
        _plain_ticks(axes, layer_cases.STEPS_OF_THE_FIGURE)
    if not shown:
        return None
    panels[0].set_ylabel("milliseconds a call")
    figure.suptitle(f"2048 planes of 32 x 32, float32, coefficients per cell\n{_measured_on()}", x=0.01, ha="left")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper")
    alone, both = layer_cases.COMPILED_UP_TO.values()
    note = f"torch.compile unrolls the\nsteps: beyond K = {alone}, with\nbackward {both}, it compiles\nfor minutes"
    figure.text(0.985, 0.06, note, ha="right", color="#444444", fontsize="small")
    return figure


def rate_over_size(rows: Sequence[Row]) -> Any:
    """Draw million cell updates a second over the size of the grid, and what one pass a step can reach at most."""
    named = {(row.case, row.contender): row for row in rows if row.group in ("grid", "over size")}
    sizes = sorted(grid_cases.STEPS)
    figure, (axes,) = _figure(1)
    shown = False
    rates = []
    for contender in LABELS:
        points = []
        for size in sizes:
            case = grid_cases.case(grid_cases.grid(size, "float64"), ())
            if row := named.get((case.name, contender)):
                points.append((size, row.rate / 1e6))
                rates.append(row.copy)
        shown |= _line(axes, contender, points)
    if not shown:
        return None
    _roofline(axes, median(rates))
    axes.set(xscale="log", yscale="log", xlabel="rows and columns of the grid", ylabel="million cell updates a second")
    _plain_ticks(axes, sizes)
    axes.set_title(f"One periodic grid, float64, u, v, Dx, Dy and f per cell\n{_measured_on()}")
    axes.legend(loc="lower left", bbox_to_anchor=(1.0, 0.0))
    return figure


def _roofline(axes: Axes, copy: float) -> None:
    """Draw what one pass over memory a step can reach: 8 words a cell at the copy's rate."""
    level = copy / (WORDS * 8) / 1e6
    axes.axhline(level, color="#444444", linestyle="--", linewidth=1.4)
    text = f"bandwidth roof {level:.0f}:\n{WORDS} words a cell, one pass\na step, at the copy's {copy / 1e9:.0f} GB/s"
    beside = axes.get_yaxis_transform()
    axes.text(1.02, level, text, transform=beside, va="center", color="#444444", fontsize="small")


def _measured_on() -> str:
    """Return the machine in a few words."""
    return f"{processor()}, {numba.get_num_threads()} threads; medians of calls in turns"


def _figure(panels: int) -> tuple[Any, Sequence[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.4, 4.8))
    return figure, list(figure.subplots(1, panels, sharey=True, squeeze=False)[0])


def _plain_ticks(axes: Axes, values: Sequence[int]) -> None:
    """Name the measured values under the axis, and 1, 2, 5, 10, ... beside it."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.set_xticks(values, [str(value) for value in values])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())


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
