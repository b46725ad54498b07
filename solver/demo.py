"""The demonstration: a hill carried around by a solid-body rotation while it spreads."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from solver.grid import Grid
from solver.problem import DiffusionAdvection
from solver.records import Array
from solver.report import Page
from solver.solution import Solution
from solver.solve import solve

RADIUS, WIDTH, DIFFUSIVITY = (
    0.22,
    0.06,
    2e-4,
)  # of the hill's path; of the hill at t = 0; length^2 per rotation
FRAMES = 48


@dataclass(frozen=True)
class DemoResult:
    """What the demonstration found and wrote.

    Attributes
    ----------
    solution : Solution
        One rotation, with 49 saved fields.
    peak, exact_peak : float
        Largest value at the end, computed and exact.
    mass_ratio : float
        Sum of H at the end over that at the beginning: conserved, because the diffusivity is constant.
    error : float
        Largest difference from the exact solution at the end.
    files : tuple of Path
        The report, the figure and the animation.
    """

    solution: Solution
    peak: float
    exact_peak: float
    mass_ratio: float
    error: float
    files: tuple[Path, ...]


def rotating_hill(cells: int) -> tuple[DiffusionAdvection, Array, Array]:
    """Return the problem on the unit square, the field at t = 0 and the exact field at t = 1, one rotation.

    u = -2 pi (y - 1/2), v = 2 pi (x - 1/2): u does not depend on x nor v on y, so the flow has no divergence, not
    even across the periodic edges. A Gaussian of variance s^2 turns with the flow and spreads to s^2 + 2 D t.
    """
    grid = Grid((cells, cells), (1 / cells, 1 / cells))
    X, Y = grid.mesh()
    turn = 2 * math.pi
    problem = DiffusionAdvection(grid, (-turn * (Y - 0.5), turn * (X - 0.5)), (DIFFUSIVITY, DIFFUSIVITY))

    def hill(t: float) -> Array:
        variance = WIDTH**2 + 2 * DIFFUSIVITY * t
        x = 0.5 + RADIUS * math.cos(turn * t)
        y = 0.5 + RADIUS * math.sin(turn * t)
        exact: Array = WIDTH**2 / variance * np.exp(-((X - x) ** 2 + (Y - y) ** 2) / (2 * variance))
        return exact

    return problem, hill(0.0), hill(1.0)


def write_demo(out: Path, *, cells: int, backend: str) -> DemoResult:
    """Solve one rotation, and write report.html, rotating_hill.png and rotating_hill.gif into `out`."""
    problem, initial, exact = rotating_hill(cells)
    solution = solve(problem, initial, 1.0, backend=backend, save_at=np.linspace(0, 1, FRAMES + 1), progress=True)
    out.mkdir(parents=True, exist_ok=True)
    picture, animation = out / "rotating_hill.png", out / "rotating_hill.gif"
    solution.animate(animation)
    result = DemoResult(
        solution=solution,
        peak=float(solution.final.max()),
        exact_peak=float(exact.max()),
        mass_ratio=float(solution.final.sum() / initial.sum()),
        error=float(np.abs(solution.final - exact).max()),
        files=(out / "report.html", picture, animation),
    )
    _report(result, picture, animation).write(out / "report.html")
    return result


def _report(result: DemoResult, picture: Path, animation: Path) -> Page:
    solution = result.solution
    rows, columns = solution.grid.shape
    page = Page("A hill carried around", f"One rotation on {rows} x {columns} cells, {solution.steps} steps.")
    page.section(
        "What is solved",
        "A Gaussian hill turns once with a solid-body rotation while it spreads. The exact solution is a Gaussian "
        "that is wider and back in its place.",
    )
    page.image(animation, "The hill goes around once.")
    page.table(
        ("after one rotation", "computed", "exact"),
        (
            ("largest value", result.peak, result.exact_peak),
            ("sum of H over its start", f"{result.mass_ratio:.12f}", 1),
            ("largest error", result.error, 0.0),
        ),
        note="Second-order central differences lag: the error falls fourfold when the spacing is halved.",
    )
    page.section("The run")
    page.figure(solution.plot(), "The field at four times of the rotation", path=picture)
    page.table(
        ("quantity", "value"),
        (
            ("time step", solution.dt),
            ("why", solution.dt_reason),
            ("largest stability number (stable up to 1)", solution.stability_number),
            ("consistency time tau", solution.tau),
            ("backend", solution.backend),
        ),
    )
    return page
