"""What a solve begins from: a field at t = 0, or the levels of a run to resume."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from solver import checks
from solver.finite import copy_into
from solver.planning import WHOLE, Plan, samples, saved_steps
from solver.problem import DiffusionAdvection
from solver.records import Array, Levels
from solver.solution import Solution, Status
from solver.starting import hold_initial


def check_initial(problem: DiffusionAdvection, initial: ArrayLike | None) -> Array:
    """Return the field at t = 0, float32 or float64, or raise an error that names what is wrong with its shape."""
    grid = problem.grid
    if initial is None:
        raise TypeError("`initial` is None: it takes the field at t = 0 (None goes with `resume` only).")
    given = checks.real_array("`initial`", initial, copy=False)
    if given.shape[-2:] != grid.shape:
        raise ValueError(
            f"`initial` has shape {given.shape}: it takes (..., {grid.shape[0]}, {grid.shape[1]}), the grid's rows and "
            "columns last."
        )
    try:
        np.broadcast_shapes(given.shape[:-2], problem.batch)
    except ValueError:
        raise ValueError(
            f"`initial` has the batch dimensions {given.shape[:-2]}, the coefficients {problem.batch}: "
            "they must broadcast together, with those of walls as well."
        ) from None
    return given


def begin_from(problem: DiffusionAdvection, initial: Array, room: Array) -> Levels:
    """Return H[0] for both levels, a copy of `initial` in `room`; Dirichlet walls, if any, ask for another one."""
    if not copy_into(room, initial):
        cell = tuple(int(i) for i in np.argwhere(~np.isfinite(initial))[0])
        raise ValueError(f"`initial` is not finite at {cell}: it takes finite values only.")
    H = hold_initial(problem, room)
    return Levels(H, H)


def plan_resumed(
    problem: DiffusionAdvection,
    initial: ArrayLike | None,
    t_end: float,
    dt: float | None,
    save_at: Iterable[float] | None,
    resume: Solution,
) -> Plan:
    """Plan the rest of a run, and refuse what would not continue it."""
    if not isinstance(resume, Solution):
        raise TypeError(f"`resume` is a {type(resume).__name__}: it takes a solver.Solution.")
    if initial is not None:
        raise ValueError("`initial` must be None with `resume`: the run goes on from the levels of the solution.")
    if dt is not None and dt != resume.dt:
        raise ValueError(f"`dt` is {dt!r}, but the run to resume has dt = {resume.dt!r}: leave it out.")
    if problem.grid != resume.grid:
        raise ValueError(f"`problem` is on {problem.grid}, but the run to resume is on {resume.grid}.")
    if problem.digest() != resume.problem:
        raise ValueError(
            "`problem` has other coefficients than the run to resume, so the two would not be one run. To go on with "
            "another equation, start a new solve from `resume.final`."
        )
    if resume.status is Status.NON_FINITE:
        raise ValueError(f"`resume` cannot go on: {resume.failure}. Start again with a smaller dt.")
    t_end = checks.real("t_end", t_end)
    last = round(t_end / resume.dt)
    if abs(t_end / resume.dt - last) > WHOLE:
        before, after = (n * resume.dt for n in (math.floor(t_end / resume.dt), math.ceil(t_end / resume.dt)))
        raise ValueError(
            f"`t_end` is {t_end:.12g}, no whole number of steps of the run to resume, dt = {resume.dt:.12g}: "
            f"it takes {before:.12g} or {after:.12g}."
        )
    if last <= resume.steps:
        raise ValueError(f"`t_end` is {t_end!r}: it takes a time after {resume.time:.6g}, which the run has reached.")
    saved = saved_steps(save_at, resume.dt, resume.steps, last)
    return Plan(resume.dt, resume.dt_reason, last, saved, samples(problem, t_end, resume.filter))
