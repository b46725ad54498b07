"""Rounding: how the results of the backends and of the dtypes part from each other in a long run.

The truth is the NumPy reference in float64 from the same initial field, which float32 holds exactly. The coefficients
are rounded to the dtype of the run, as in a solve: that error is systematic, the others are random.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from solver import DiffusionAdvection, Grid, backends, cpu, solve, stability
from solver.cpu.threads import team_of
from solver.records import Array, Fields, Filter, Levels, Mesh
from validation.norms import relative_error
from validation.problems import FourierMode

SHAPE = (48, 40)


@dataclass(frozen=True)
class Case:
    """A problem that neither grows nor dies out, and a stable time step."""

    name: str
    problem: DiffusionAdvection
    dt: float


def cases() -> list[Case]:
    """Return advection with diffusion and a source, advection alone, and diffusion with a source."""
    rows, columns = SHAPE
    grid = Grid(SHAPE, (1 / rows, 1 / columns))
    X, Y = (2 * np.pi * a for a in grid.mesh())
    stream = 0.05 * np.sin(X) * np.sin(Y)
    u = 0.6 + (np.roll(stream, -1, 1) - np.roll(stream, 1, 1)) * columns / 2
    v = -0.4 - (np.roll(stream, -1, 0) - np.roll(stream, 1, 0)) * rows / 2
    D = 2e-3 * (1 + 0.5 * np.cos(X) * np.sin(Y))
    source = np.sin(X) * np.cos(2 * Y)
    both = DiffusionAdvection(grid, (u, v), (D, D), source)
    return [
        Case("advection and diffusion", both, 0.3 * stability.largest_stable_dt(both)),
        Case("advection alone", replace(both, diffusivity=(0.0, 0.0), source=0.0), 0.005),
        Case("diffusion alone", replace(both, velocity=(0.0, 0.0), diffusion="flux"), 0.03),
    ]


def initial() -> Array:
    """Return a hill in float32."""
    rows, columns = SHAPE
    X, Y = np.meshgrid(np.arange(rows) / rows - 0.5, np.arange(columns) / columns - 0.5, indexing="ij")
    return np.exp(-(X**2 + Y**2) / 0.02).astype(np.float32)


@dataclass(frozen=True)
class Drift:
    """Relative L2 distance of one backend and dtype from the truth.

    Parameters
    ----------
    case, backend, dtype
        What ran.
    steps
        Step numbers, (n,).
    distance
        From the NumPy reference in float64 at those steps, (n,).
    """

    case: str
    backend: str
    dtype: str
    steps: tuple[int, ...]
    distance: tuple[float, ...]

    @property
    def power(self) -> float:
        """Exponent of the growth with the number of steps: 1/2 for a random walk, 1 for a systematic drift."""
        return float(np.polyfit(np.log(self.steps), np.log(self.distance), 1)[0])


def drifts(case: Case, steps: tuple[int, ...]) -> list[Drift]:
    """Run one case with both backends in both dtypes; the truth, being its own measure, is left out."""
    truth = _levels_at(case, "numpy", np.float64, steps)
    found = []
    for backend, dtype in (("cpu", np.float64), ("numpy", np.float32), ("cpu", np.float32)):
        run = _levels_at(case, backend, dtype, steps)
        distance = (float(np.linalg.norm(a - b) / np.linalg.norm(b)) for a, b in zip(run, truth, strict=True))
        found.append(Drift(case.name, backend, np.dtype(dtype).name, steps, tuple(distance)))
    return found


def _levels_at(case: Case, backend: str, dtype: Any, steps: tuple[int, ...]) -> list[Array]:
    """Return H at the given steps, float64."""
    H = initial().astype(dtype)
    levels, done, reached = Levels(H, H), 0, []
    for step in steps:
        mesh = case.problem.mesh(case.dt)
        levels = backends.get(backend).forward(levels, case.problem.held(dtype), mesh, step - done)
        done = step
        reached.append(levels.now.astype(np.float64))
    return reached


def threads_agree(steps: int = 50) -> bool:
    """Whether one, two and three threads give the same bits, on a batch of planes and on one large plane in bands."""
    rng = np.random.default_rng(0)
    mesh = Mesh(0.1, 0.9, 1.1, ("dirichlet", "no-flux", "no-flux", "dirichlet"), "skew", "flux", Filter(0.2, 0.53))
    for shape in ((7, 96, 128), (160, 130)):
        now, old, u, v, Dx, Dy, f = rng.uniform(0, 0.5, (7, *shape)).astype(np.float32)
        runs = [
            cpu.forward(Levels(now, old), Fields(u, v, Dx, Dy, f), mesh, steps, team_of(size)) for size in (1, 2, 3)
        ]
        if any(run.now.tobytes() != runs[0].now.tobytes() for run in runs):
            return False
    return True


def total_errors(dtype: Any, counts: tuple[int, ...]) -> list[float]:
    """Return the relative error against the exact solution at one time, reached in so many steps."""
    mode = FourierMode(rows=96, columns=80)
    start = mode.exact(0.0).astype(dtype)
    t_end = 0.2
    semi_discrete = mode.semi_discrete(t_end)
    errors = []
    for count in counts:
        final = solve(mode.problem, start, t_end, dt=t_end / count).final.astype(np.float64)
        errors.append(relative_error(final, semi_discrete, mode.grid))
    return errors
