"""Study: one adjoint run gives the derivative of a functional with respect to every coefficient in every cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from solver import solve
from solver.plotting import PALETTE, house_style, show_field
from solver.records import Inputs
from validation.channel import STEPS, Channel, Probe, probes, smooth_direction
from validation.problems.base import Field
from validation.study import Claim, Picture, Study, StudyResult, Table, Work

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUESTION = """A plume drifts down a meandering channel with no-flux walls; J is how much of it, weighted by a bell, has
arrived at a receptor downstream. How would J change if the velocity, the diffusivity or the plume were a little
different here, or there? One run forward and one adjoint run back, in NumPy, give the derivative for every cell
at once. It is held against central differences of order 4 of the whole solve, in cells from the most sensitive
to the median one and in random directions; and along a smooth direction it should converge as the grid is refined
with dt ~ dx²: a derivative of the discrete run that did not would say nothing about the equation."""

TOLERANCE = 1e-6
DIRECTION_TOLERANCE = 1e-8
NAMES = {"now": "initial H"}
COEFFICIENTS = ("u", "v", "Dx", "Dy")


def smooth_derivatives(channel: Channel) -> dict[str, float]:
    """Return the derivative of J along a smooth field, for each coefficient."""
    gradient, direction = channel.sensitivities(), smooth_direction(channel.grid)
    return {name: float((getattr(gradient, name) * direction).sum()) for name in STEPS}


def run(work: Work) -> StudyResult:
    """Measure, judge and draw."""
    columns = (48, 96, 192) if work.full else (24, 48, 96)
    tolerance = 0.2 if work.full else 0.6
    channel = Channel(columns[0])
    gradient = channel.sensitivities()
    found: list[Probe] = []
    for name in work.each(STEPS, share=0.4):
        found += probes(channel, gradient, name, *((8, 4) if work.full else (3, 2)))
    refined = [smooth_derivatives(Channel(count)) for count in work.each(columns)]
    orders = {name: observed_order([values[name] for values in refined]) for name in STEPS}
    return StudyResult(
        claims=_claims(found, orders, tolerance),
        tables=[_probe_table(found, gradient), _refinement_table(columns, refined, orders)],
        pictures=[
            Picture(
                "sensitivity",
                draw(channel, gradient),
                "The plume, the flow and the receptor; and dJ/dD, dJ/du, dJ/dv, signed, along the plume's way.",
                "Per unit of area: the change of J for a unit of D, u or v over a unit of area. Red raises J.",
            )
        ],
    )


def observed_order(values: Sequence[float]) -> float:
    """Return the order of convergence that three values show, each on a grid twice as fine as the one before."""
    coarse, middle, fine = values
    return float(np.log2(abs((middle - coarse) / (fine - middle))))


def _claims(found: Sequence[Probe], orders: dict[str, float], order_tolerance: float) -> list[Claim]:
    claims = []
    for kind, tolerance in (("cell", TOLERANCE), ("direction", DIRECTION_TOLERANCE)):
        worst = max((probe for probe in found if probe.place.startswith(kind)), key=lambda probe: probe.difference)
        claims.append(
            Claim(
                f"adjoint and central differences agree to {tolerance:g} in every {kind} probed",
                worst.difference < tolerance,
                f"{worst.difference:.2g} ({NAMES.get(worst.name, worst.name)}, {worst.place})",
            )
        )
    worst_order = max(COEFFICIENTS, key=lambda name: abs(orders[name] - 2))
    claims.append(
        Claim(
            f"along a smooth direction of u, v, Dx or Dy the derivative converges, at order 2 ± {order_tolerance:g}",
            abs(orders[worst_order] - 2) < order_tolerance,
            f"{orders[worst_order]:.2f} ({worst_order})",
        )
    )
    return claims


def _probe_table(found: Sequence[Probe], gradient: Inputs) -> Table:
    derivatives = sum(getattr(gradient, name).size for name in STEPS)
    return Table(
        "sensitivity",
        ("of J to", "where", "adjoint", "central differences", "relative difference"),
        [(NAMES.get(p.name, p.name), p.place, p.adjoint, p.differences, p.difference) for p in found],
        f"The one adjoint run has found all {derivatives} derivatives; the differences take four solves for each row.",
    )


def _refinement_table(columns: Sequence[int], refined: Sequence[dict[str, float]], orders: dict[str, float]) -> Table:
    rows = [(NAMES.get(name, name), *(values[name] for values in refined), orders[name]) for name in STEPS]
    return Table(
        "sensitivity-refined",
        ("of J along a smooth", *(f"{n} columns" for n in columns), "order"),
        rows,
        "The derivative to the initial H is so near its limit that the order of its changes says little.",
    )


def draw(channel: Channel, gradient: Inputs) -> Figure:
    """Draw the plume at the start and at the end with the flow, and three fields of sensitivity."""
    import matplotlib.pyplot as plt

    grid, area = channel.grid, np.prod(channel.grid.spacing)
    times = np.linspace(0, channel.t_end, 3)
    dt = channel.t_end / channel.steps
    solution = solve(channel.problem, channel.initial, channel.t_end, dt=dt, start="copy", save_at=times)
    panels: tuple[tuple[str, Field], ...] = (
        ("dJ/dD, D = Dx = Dy", (gradient.Dx + gradient.Dy) / area),
        ("dJ/du", gradient.u / area),
        ("dJ/dv", gradient.v / area),
    )
    with house_style():
        figure, axes = plt.subplots(2, 2, figsize=(9.4, 5.4), sharex=True, sharey=True, layout="compressed")
        ax = axes.flat[0]
        _draw_flow(ax, channel)
        for time, field in zip(solution.times, solution.fields, strict=True):
            ax.contour(grid.x, grid.y, field.T, levels=field.max() * np.array([0.2, 0.6]), colors=PALETTE[1])
            x = float((grid.mesh()[0] * field).sum() / field.sum())
            ax.annotate(f"t = {time:g}", (x, 0.04), ha="center", color=PALETTE[1], fontweight="bold")
        ax.set(title="flow, plume and receptor (dashed)", aspect="equal", ylabel="y")
        for ax, (title, values) in zip(axes.flat[1:], panels, strict=True):
            # A twentieth of the map's ends would hide all but the strongest cells: the ends are the 99.5th percentile.
            reach = float(np.quantile(np.abs(values), 0.995))
            image = show_field(ax, grid, values, {"cmap": "RdBu_r", "vmin": -reach, "vmax": reach})
            figure.colorbar(image, ax=ax, shrink=0.8, extend="both")
            ax.set_title(title)
        for ax in axes.flat:
            _draw_receptor(ax, channel)
            ax.label_outer()
    return figure


def _draw_flow(ax: Any, channel: Channel) -> None:
    grid = channel.grid
    u, v, *_ = channel.problem.fields()
    every = max(1, channel.columns // 12)
    ax.quiver(
        grid.x[::every], grid.y[::every], u[::every, ::every].T, v[::every, ::every].T, color="#999999", width=0.003
    )
    ax.grid(False)


def _draw_receptor(ax: Any, channel: Channel) -> None:
    grid = channel.grid
    ax.contour(grid.x, grid.y, channel.receptor.T, levels=[0.5], colors="#000000", linestyles="--", linewidths=1.2)


STUDY = Study("sensitivity", "Sensitivities by the adjoint", QUESTION, run, weight=1.2)
