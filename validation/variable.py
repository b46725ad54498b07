"""Variable coefficients: what the cell-by-cell criterion says, and what the spectrum says.

Four kinds of rough fields on a small periodic plane, independent from cell to cell, the velocity of root mean square 1.
The truth is the spectral radius of the two-level operator; its logarithm over dt is a growth rate, to be held against
that of the equations discrete in space alone, the largest real part of an eigenvalue of `solver.starting.tendency`.

The three-level scheme has a second limit as dt goes to 0. Put H[k] = (-1)^(i+j+k) G[k] in, on a plane with even numbers
of rows and columns: the four neighbours and H[k-1] change sign with H[k+1], the centre H[k] does not. So G obeys the
scheme with the sign of its centre, -(1 - s) (u_x + v_y), turned around. What alternates from cell to cell and from step
to step grows like the solution of that equation: u H_x - u_x H for the product form, u H_x for the skew form, and the
equation itself for the flux form, which has no centre.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from solver import DiffusionAdvection, Grid, proven_number, spectral_radius, stability
from solver.records import ADVECTION
from solver.starting import tendency
from validation.problems.base import Field

LAYER_DT = 0.2  # of the published layer; used where the criterion passes no time step

FIELDS = ("random", "solenoidal", "compressive", "rectified")


def velocity(kind: str, shape: tuple[int, int], draw: np.random.Generator) -> tuple[Field, Field]:
    """Return u and v of one kind, of root mean square 1: noise, curl, gradient or rectified noise."""
    a, b = draw.standard_normal((2, *shape))
    match kind:
        case "random":
            u, v = a, b
        case "solenoidal":  # the curl of a stream function, by the differences of the scheme
            u, v = np.roll(a, -1, 1) - np.roll(a, 1, 1), np.roll(a, 1, 0) - np.roll(a, -1, 0)
        case "compressive":  # the gradient of a potential
            u, v = np.roll(a, -1, 0) - np.roll(a, 1, 0), np.roll(a, -1, 1) - np.roll(a, 1, 1)
        case "rectified":  # as an untrained layer makes it
            u, v = np.maximum(a, 0), np.maximum(b, 0)
        case _:
            raise ValueError(f"`kind` is {kind!r}: it takes {', '.join(map(repr, FIELDS))}.")
    scale = np.sqrt(np.mean(u**2 + v**2))
    return u / scale, v / scale


def rough_problem(kind: str, advection: str, diffusion: str, seed: int, shape: tuple[int, int]) -> DiffusionAdvection:
    """Return a problem with fields of one kind, in one form; the fields depend on kind, seed and shape alone."""
    draw = np.random.default_rng(seed)
    u, v = velocity(kind, shape, draw)
    if kind == "rectified":
        Dx, Dy = 0.1 * np.maximum(draw.standard_normal((2, *shape)), 0)
    else:
        Dx, Dy = draw.uniform(0.05, 0.15, (2, *shape))
    return DiffusionAdvection(Grid(shape), (u, v), (Dx, Dy), advection=advection, diffusion=diffusion)


def rate(problem: DiffusionAdvection, dt: float) -> float:
    """Return the growth rate of the scheme, log(spectral radius) / dt."""
    return float(np.log(spectral_radius(problem, dt)) / dt)


def rate_in_space(problem: DiffusionAdvection) -> float:
    """Return the growth rate of the equations discrete in space, continuous in time."""
    size = problem.grid.shape[0] * problem.grid.shape[1]
    matrix = tendency(problem, np.eye(size).reshape(size, *problem.grid.shape)).reshape(size, size)
    return float(np.linalg.eigvals(matrix).real.max())


def alternating_rate(problem: DiffusionAdvection) -> float:
    """Return the growth rate of what alternates from cell to cell and from step to step, as dt goes to 0.

    The plane must be periodic and have an even number of rows and columns.
    """
    size = problem.grid.shape[0] * problem.grid.shape[1]
    matrix = tendency(problem, np.eye(size).reshape(size, *problem.grid.shape)).reshape(size, size)
    u, v = (np.broadcast_to(a, problem.grid.shape) for a in problem.fields(np.float64)[:2])
    (dx, dy), share = problem.grid.spacing, ADVECTION[problem.advection]
    divergence = (np.roll(u, -1, 0) - np.roll(u, 1, 0)) / (2 * dx) + (np.roll(v, -1, 1) - np.roll(v, 1, 1)) / (2 * dy)
    turned = matrix + 2 * (1 - share) * np.diag(divergence.ravel())
    return float(np.linalg.eigvals(turned).real.max())


def unmixed_share(problem: DiffusionAdvection) -> float:
    """Return the share of cells with exactly one zero diffusivity."""
    Dx, Dy = problem.diffusivity
    return float(np.mean((np.asarray(Dx) == 0) != (np.asarray(Dy) == 0)))


@dataclass(frozen=True)
class Growth:
    """Growth of one form on one kind of field, the mean over seeds.

    Attributes
    ----------
    kind, advection, diffusion
        Fields and form.
    limit
        Largest time step that the criterion passes; 0: none.
    in_space
        Growth rate of the equations discrete in space.
    as_dt_vanishes
        The larger of that and of the rate of what alternates.
    near, far
        Growth rates of the scheme at 0.9 and at 0.1 of the limit, or of LAYER_DT where there is none.
    """

    kind: str
    advection: str
    diffusion: str
    limit: float
    in_space: float
    as_dt_vanishes: float
    near: float
    far: float


def growth(kind: str, advection: str, diffusion: str, seeds: Sequence[int], shape: tuple[int, int]) -> Growth:
    """Measure one form on one kind of field."""
    found = []
    for seed in seeds:
        problem = rough_problem(kind, advection, diffusion, seed, shape)
        limit = stability.largest_stable_dt(problem)
        dt = limit or LAYER_DT
        in_space = rate_in_space(problem)
        either = max(in_space, alternating_rate(problem))
        found.append((limit, in_space, either, rate(problem, 0.9 * dt), rate(problem, 0.1 * dt)))
    limit, in_space, either, near, far = (float(x) for x in np.mean(found, axis=0))
    return Growth(kind, advection, diffusion, limit, in_space, either, near, far)


@dataclass(frozen=True)
class Proof:
    """The proven limit of one solenoidal problem in the skew and flux form.

    Attributes
    ----------
    excess
        Spectral radius at the largest proven time step, less 1.
    criterion
        The largest time step that the criterion passes cell by cell, over the proven one.
    """

    excess: float
    criterion: float


def proof(seed: int, shape: tuple[int, int]) -> Proof:
    """Hold the proven limit against the spectrum."""
    problem = rough_problem("solenoidal", "skew", "flux", seed, shape)
    dt = 1 / proven_number(problem, 1.0)
    return Proof(spectral_radius(problem, dt) - 1, stability.largest_stable_dt(problem) / dt)
