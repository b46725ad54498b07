"""Which time step, how many of them, and after which ones to save."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from solver import checks
from solver.filters import RAW
from solver.problem import DiffusionAdvection
from solver.stability import SMALL_TAU, StabilityError, consistent_dt, stable_dt, survey_of, verdict_of

if TYPE_CHECKING:  # `import solver` does without the kernels
    from solver.cpu.survey import Survey

SAFETY = 0.9  # of the largest stable dt, when the solver chooses: the criterion is a frozen-coefficient guide
SAMPLES = 17  # times at which a velocity that changes is looked at, when dt is chosen and judged
WHOLE = 1e-6  # how far from a whole number of steps t_end may lie, in steps


class Sample(NamedTuple):
    """What was seen of a problem at one time of its run.

    The survey is that of dt = 1: of any other dt it is a multiple.
    """

    t: float
    problem: DiffusionAdvection
    unit: Survey


@dataclass(frozen=True)
class Plan:
    """The time axis of a solve: step k is at time k * dt.

    Attributes
    ----------
    dt : float
        Time step.
    reason : str
        Why this one.
    last : int
        Number of the last step.
    saved : tuple of int
        Steps to save, ascending.
    seen : tuple of Sample
        What `dt` is judged by.
    """

    dt: float
    reason: str
    last: int
    saved: tuple[int, ...]
    seen: tuple[Sample, ...]


def make_plan(
    problem: DiffusionAdvection,
    t_end: float,
    dt: float | None,
    save_at: Iterable[float] | None,
    raw: RAW | None = None,
) -> Plan:
    """Plan a run from t = 0 to `t_end`."""
    t_end = checks.real("t_end", t_end)
    given = None if dt is None else checks.real("dt", dt)
    if given is not None:
        whole_steps(t_end, given)  # or an error, before a problem that moves is asked for 17 times
    seen = samples(problem, t_end, raw)
    dt, reason = choose_dt(seen, t_end, raw) if given is None else (given, "as given")
    last = whole_steps(t_end, dt)
    return Plan(dt, reason, last, saved_steps(save_at, dt, 0, last), seen)


def samples(problem: DiffusionAdvection, t_end: float, raw: RAW | None = None) -> tuple[Sample, ...]:
    """Look at a problem at times from 0 to `t_end`; once if it is steady."""
    times = [0.0] if problem.steady else [float(t) for t in np.linspace(0.0, t_end, SAMPLES)]
    problems = [problem.at(t) for t in times]
    return tuple(Sample(t, p, unit_survey(p, raw)) for t, p in zip(times, problems, strict=True))


def unit_survey(problem: DiffusionAdvection, raw: RAW | None) -> Survey:
    """Return the survey of a steady problem at dt = 1, made once."""
    return problem.remembered(("survey", raw), lambda: survey_of(problem, 1.0, raw))


def choose_dt(seen: tuple[Sample, ...], t_end: float, raw: RAW | None = None) -> tuple[float, str]:
    """Return the largest dt that is stable, keeps tau small and divides `t_end`, and a sentence that says so."""
    stable = min(stable_dt(sample.unit) for sample in seen)
    if stable == 0:
        _, problem, unit = max(seen, key=lambda sample: sample.unit.number)
        raise StabilityError(
            f"`dt` cannot be chosen: {verdict_of(unit, problem, 1.0, raw)} To run all the same, give `dt`."
        )
    consistent = min(min(consistent_dt(unit), _small_tau_dt(unit, t_end)) for _, _, unit in seen)
    bound = min(SAFETY * stable, consistent)
    if math.isinf(bound):
        return t_end, "one step: there is neither velocity nor diffusion"
    if consistent < SAFETY * stable:
        reason = f"tau kept small: consistent up to {consistent:.4g}, stable up to {stable:.4g}"
    else:
        reason = f"{SAFETY:g} of the largest stable dt, {stable:.4g}"
    return t_end / math.ceil(t_end / bound), reason


def _small_tau_dt(unit: Survey, t_end: float) -> float:
    """Return the dt at which tau is SMALL_TAU of `t_end`; inf without diffusion."""
    return math.sqrt(SMALL_TAU * t_end / unit.diffusion) if unit.diffusion else math.inf


def whole_steps(t_end: float, dt: float) -> int:
    """Return t_end / dt, which must be a whole number."""
    steps = t_end / dt
    nearest = max(1, round(steps))
    if abs(steps - nearest) > WHOLE:
        counts = sorted({max(1, math.floor(steps)), math.ceil(steps)})
        remedies = " or ".join(f"dt = {t_end / n:.12g} ({n} step{'s' * (n > 1)})" for n in counts)
        raise ValueError(
            f"`dt` is {dt:.12g}, which does not divide `t_end` = {t_end:.12g}: a leapfrog cannot shorten its last "
            f"step. It takes {remedies}, or None, which chooses."
        )
    return nearest


def saved_steps(save_at: Iterable[float] | None, dt: float, first: int, last: int) -> tuple[int, ...]:
    """Return the steps nearest to the times `save_at`; without any, the first and the last."""
    if save_at is None:
        return (first, last)
    try:
        times = np.atleast_1d(np.asarray(list(save_at) if isinstance(save_at, Iterable) else save_at, np.float64))
    except (TypeError, ValueError):
        raise TypeError(f"`save_at` is {save_at!r}: it takes a sequence of times.") from None
    steps = np.rint(times / dt)
    if not (np.isfinite(times).all() and times.size and steps.min() >= first and steps.max() <= last):
        raise ValueError(
            f"`save_at` is {np.array2string(times, threshold=6)}: it takes times from {first * dt:.6g} "
            f"to {last * dt:.6g}."
        )
    return tuple(sorted({int(k) for k in steps}))
