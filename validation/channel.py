"""A plume in a channel: what arrives downstream, and how sensitive that is to the flow, the mixing and the plume."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np

from solver import DiffusionAdvection, Grid, solve
from solver.records import NO_FLUX, PERIODIC, Fields, Inputs
from solver.sides import Sides
from validation.problems.base import Field
from validation.sensitivity import Segment, central_difference, pull_back, run_forward

#: Where the receptor of `Channel` is, and how far it reaches.
RECEPTOR, REACH = (1.4, 0.65), 0.25

#: What is probed, and the step of its differences: the velocities, the diffusivities and the initial field (``now``).
STEPS = {"u": 5e-3, "v": 5e-3, "Dx": 1e-4, "Dy": 1e-4, "now": 0.1}


@dataclass(frozen=True)
class Channel:
    """A plume in a meandering flow along a channel with walls that nothing crosses, and a receptor downstream.

        H_t + (u H)_x + (v H)_y = Dx H_xx + Dy H_yy,    J = integral of w H over the plane at the end

    Periodic along x, no flux across y = 0 and y = 1. The velocity has a stream function that is constant on the walls.

    Parameters
    ----------
    columns
        Grid points across; there are twice as many along.
    """

    columns: int = 24
    t_end: float = 1.0

    @property
    def grid(self) -> Grid:
        """A channel 2 long and 1 wide."""
        sides = Sides(PERIODIC, PERIODIC, NO_FLUX, NO_FLUX)
        return Grid.spanning((2 * self.columns, self.columns), (2.0, 1.0), sides)

    @property
    def problem(self) -> DiffusionAdvection:
        """The equation: the stream function 0.8 (y + 0.15 sin(2 pi x) sin(pi y)^2), and D that varies both ways."""
        x, y = self.grid.mesh()
        u = 0.8 * (1 + 0.15 * np.pi * np.sin(2 * np.pi * x) * np.sin(2 * np.pi * y))
        v = -0.24 * np.pi * np.cos(2 * np.pi * x) * np.sin(np.pi * y) ** 2
        D = 0.01 * (1 + 0.4 * np.sin(np.pi * x) * np.cos(np.pi * y))
        return DiffusionAdvection(self.grid, (u, v), (D, 0.7 * D))

    @property
    def initial(self) -> Field:
        """A plume of mass 1, upstream."""
        x, y = self.grid.mesh()
        width = 0.12
        plume: Field = np.exp(-((x - 0.4) ** 2 + (y - 0.45) ** 2) / (2 * width**2)) / (2 * np.pi * width**2)
        return plume

    @property
    def receptor(self) -> Field:
        """The weight w of what has arrived: a bell, 1 at its centre and 0 from ``REACH`` on."""
        x, y = self.grid.mesh()
        away = np.minimum(np.hypot(x - RECEPTOR[0], y - RECEPTOR[1]) / REACH, 1.0)
        bell: Field = np.cos(np.pi / 2 * away) ** 2
        return bell

    @property
    def steps(self) -> int:
        """As many as keep the time step at 0.004 of 24 columns, and shrink it with the square of the spacing."""
        return round(self.t_end / 0.004 * (self.columns / 24) ** 2)

    def arrived(self, problem: DiffusionAdvection, initial: Field) -> float:
        """Return J by the public `solver.solve`."""
        solution = solve(problem, initial, self.t_end, dt=self.t_end / self.steps, start="copy")
        return float((self.receptor * solution.final).sum() * np.prod(self.grid.spacing))

    def sensitivities(self) -> Inputs:
        """Return dJ/d(initial, source, u, v, Dx, Dy) of every cell: one run forward, one back."""
        segment = Segment(self.t_end / self.steps, self.steps)
        trajectory = run_forward(self.problem, self.initial, (segment,))
        return pull_back(trajectory, (self.receptor * np.prod(self.grid.spacing),))


class Probe(NamedTuple):
    """A derivative in one direction, by the adjoint and by differences."""

    name: str
    place: str
    adjoint: float
    differences: float

    @property
    def difference(self) -> float:
        """Relative difference of the two."""
        return abs(self.adjoint - self.differences) / max(abs(self.adjoint), abs(self.differences))


def moved(channel: Channel, name: str, by: Field) -> float:
    """Return J with one coefficient, or the initial field (``now``), moved by a field."""
    problem, initial = channel.problem, channel.initial
    u, v, Dx, Dy, _ = problem.fields()
    fields = dict(zip(Fields._fields[:4], (u, v, Dx, Dy), strict=True)) | {"now": initial}
    fields[name] = fields[name] + by
    changed = replace(problem, velocity=(fields["u"], fields["v"]), diffusivity=(fields["Dx"], fields["Dy"]))
    return channel.arrived(changed, fields["now"])


def probes(channel: Channel, gradient: Inputs, name: str, cells: int, directions: int) -> list[Probe]:
    """Compare the derivatives for one input with central differences of J, in cells and in random directions.

    Parameters
    ----------
    channel
        The run.
    gradient
        What `Channel.sensitivities` found.
    name
        Which input: one of `STEPS`.
    cells
        How many cells: from the most sensitive one to the median, evenly by rank.
    directions
        How many random directions, normal in every cell.
    """
    slope, draw = getattr(gradient, name), np.random.default_rng(7)
    units = {}
    ranked = np.argsort(-np.abs(slope), axis=None)
    for flat in ranked[np.linspace(0, slope.size // 2, cells).astype(int)]:
        i, j = np.unravel_index(flat, slope.shape)
        units[f"cell ({i}, {j})"] = np.zeros(slope.shape)
        units[f"cell ({i}, {j})"][i, j] = 1.0
    units |= {f"direction {k + 1}": draw.normal(size=slope.shape) for k in range(directions)}
    found = []
    for place, unit in units.items():
        step = STEPS[name] / float(np.abs(unit).max())
        differences = central_difference(partial(_moved_along, channel, name, unit), step)
        found.append(Probe(name, place, float((slope * unit).sum()), differences))
    return found


def _moved_along(channel: Channel, name: str, direction: Field, by: float) -> float:
    return moved(channel, name, by * direction)


def smooth_direction(grid: Grid) -> Field:
    """Return a smooth field, in which the derivative of J has a limit as the grid is refined."""
    x, y = grid.mesh()
    wave: Field = (1 + 0.5 * np.sin(np.pi * x)) * np.cos(np.pi * y) + 0.3 * np.cos(2 * np.pi * x)
    return wave
