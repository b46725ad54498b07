"""The time loop."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from solver import backends, checks
from solver.beginning import begin_from, check_initial, plan_resumed
from solver.filters import RAW, check_filter
from solver.finite import all_finite
from solver.planning import Plan, make_plan
from solver.problem import DiffusionAdvection
from solver.progress import Ticker
from solver.records import Array, Filter, Levels
from solver.saving import Saved
from solver.solution import Failure, Solution, Status
from solver.stability import (
    ROUNDING,
    SMALL_TAU,
    ConsistencyWarning,
    StabilityError,
    StabilityWarning,
    Verdict,
    mesh_numbers,
    round_down,
    verdict_of,
)
from solver.starting import STARTS, first_step

CHECK_EVERY, AT_MOST = 64, 1024  # steps between two looks for values that are not finite: so many, and where they are
UPDATES = 2**25  # cell updates, some 20 ms, or fewer, up to so many: a look costs as much as some steps of a small grid

Callback = Callable[[int, float, Array], bool | None]


def solve(
    problem: DiffusionAdvection,
    initial: ArrayLike | None,
    t_end: float,
    *,
    dt: float | None = None,
    start: str = "heun",
    filter: RAW | None = None,
    backend: str = "auto",
    save_at: Iterable[float] | None = None,
    strict: bool = False,
    progress: bool = False,
    callback: Callback | None = None,
    resume: Solution | None = None,
) -> Solution:
    """Solve H_t + (u H)_x + (v H)_y = Dx H_xx + Dy H_yy + f from t = 0 to `t_end`.

    Leapfrog in the advection, DuFort-Frankel in the diffusion: explicit, second order in space and time along
    dt ~ dx^2, three time levels.

    Parameters
    ----------
    problem : DiffusionAdvection
        The equation and its grid.
    initial : array (..., rows, columns)
        H at t = 0; leading dimensions are a batch. float32 is solved in float32, everything else in float64. On
        Dirichlet walls their values take its place. None with `resume`.
    t_end : float
        Final time, counted from the beginning also with `resume`.
    dt : float, optional
        Time step; must divide `t_end`. By default the largest that is stable (with a margin of 10 %) and keeps the
        consistency time tau small (`stability.largest_consistent_dt`); `Solution.dt_reason` says which decided.
    start : {"heun", "euler", "copy"}
        How the first step is made: see `solver.starting`.
    filter : RAW, optional
        Damp the mode that changes sign from step to step, after every step but the first; it narrows the limit of
        stability. Default: no filter.
    backend : {"auto", "numpy", "cpu", "cuda"}
        The plain reference, the Numba kernels (auto), or those for an NVIDIA GPU, which have no filter.
    save_at : times, optional
        When to save; each is moved to the nearest step. Default: the beginning and the end.
    strict : bool
        Raise where the stability criterion fails, instead of warning.
    progress : bool
        Show a bar with the time left.
    callback : function (step, time, H) -> bool or None, optional
        Called at every saved time and at least every 64 steps, with a read-only field; True stops the run.
    resume : Solution, optional
        Go on where this one ended: the result is bit for bit that of one long run. `problem` must be the same;
        `dt`, `start` and `filter` are those of the run, whatever is given.

    Returns
    -------
    Solution
        Immutable. Its `status` says how the solve ended; a run that turns non-finite stops within 64 steps, on a
        small grid without a callback within 1024, and keeps its last good state and the step, time and cell of the
        failure.

    Raises
    ------
    ValueError, TypeError
        If an argument is not what is said above.
    StabilityError
        If `strict` and a cell violates the criterion, or if `dt` is None and no dt is stable.

    Warns
    -----
    StabilityWarning
        If a cell violates the criterion: the cell, its numbers, and the dt that would pass.
    ConsistencyWarning
        If tau exceeds 2 % of `t_end`: the numbers, and the dt that would keep it below.

    Notes
    -----
    A velocity or source that is a function of time is taken at t = k dt for the step from H[k-1], H[k] to H[k+1],
    which keeps order 2; the coefficients are then assembled anew at every step. It is judged at 17 times of the run.

    The scheme is conditionally consistent: along dt ~ dx it converges to the telegraph equation
    tau H_tt + H_t + ..., tau = dt^2 (Dx/dx^2 + Dy/dy^2), not to this one. For variable coefficients the criterion is
    a guide per cell: a run can still grow.

    References
    ----------
    E. C. Du Fort and S. P. Frankel, "Stability conditions in the numerical treatment of parabolic differential
    equations", Math. Tables Aids Comput. 7 (1953) 135-152, doi:10.2307/2002754.
    """
    if not isinstance(problem, DiffusionAdvection):
        raise TypeError(f"`problem` is a {type(problem).__name__}: it takes a solver.DiffusionAdvection.")
    checks.choice("start", start, STARTS)
    raw = check_filter(filter)
    engine = backends.get(backend)

    if resume is None:
        given = check_initial(problem, initial)
        plan = make_plan(problem, t_end, dt, save_at, raw)
        saved = _room(problem, given, plan)
        state = _State(0, begin_from(problem, given, saved.room_for_initial(given.shape)))
    else:
        plan = plan_resumed(problem, initial, t_end, dt, save_at, resume)
        start, raw = resume.start, resume.filter
        saved, state = _room(problem, resume.levels.now, plan), _State(resume.steps, resume.levels)

    judged = _judge(plan, raw, strict)
    run = _Run(problem, plan.dt, state.levels.now.dtype, engine, start, raw)
    return _loop(run, plan, state, saved, judged, Ticker(progress, plan.last, state.step), callback)


def _room(problem: DiffusionAdvection, H: Array, plan: Plan) -> Saved:
    """Return room for the fields of a run that begins from `H`."""
    return Saved(plan.saved, np.broadcast_shapes(H.shape, problem.batch + problem.grid.shape), H.dtype)


class _Judged(NamedTuple):
    """What a solution keeps of the verdicts: the largest numbers at any time and in any cell."""

    number: float
    tau: float
    mesh_numbers: tuple[float, float, float, float]


def _judge(plan: Plan, raw: RAW | None, strict: bool) -> _Judged:
    """Apply the criteria to what was seen of a problem, and say what is wrong with the time step."""
    surveys = [sample.unit.scaled(plan.dt) for sample in plan.seen]
    worst = max(range(len(surveys)), key=lambda n: surveys[n].number)
    t, problem, _ = plan.seen[worst]
    verdict = verdict_of(surveys[worst], problem, plan.dt, raw)
    _warn(verdict, f"At t = {t:.6g}: " if len(surveys) > 1 else "", plan, strict)
    a_x, a_y, b_x, b_y = (max(numbers) for numbers in zip(*(s.courant + s.diffusive for s in surveys), strict=True))
    return _Judged(verdict.number, verdict.tau, (a_x, a_y, b_x, b_y))


def _warn(verdict: Verdict, when: str, plan: Plan, strict: bool) -> None:
    """Say what is wrong with the time step, and of a problem that changes, when."""
    if not verdict.stable:
        if strict:
            raise StabilityError(when + str(verdict))
        warnings.warn(when + str(verdict), StabilityWarning, stacklevel=4)
    t_end = plan.last * plan.dt
    if verdict.tau > SMALL_TAU * t_end * (1 + ROUNDING):
        smaller = round_down(plan.dt * math.sqrt(SMALL_TAU * t_end / verdict.tau))
        warnings.warn(
            f"dt = {plan.dt:.6g} is not consistent: tau = dt^2 (Dx/dx^2 + Dy/dy^2) = {verdict.tau:.4g} is "
            f"{100 * verdict.tau / t_end:.3g} % of t_end = {t_end:.6g}, so the scheme solves "
            f"tau H_tt + H_t + ... = ..., a telegraph equation. "
            f"dt <= {smaller:.6g} would keep tau below {100 * SMALL_TAU:g} %.",
            ConsistencyWarning,
            stacklevel=4,
        )


@dataclass(frozen=True)
class _State:
    """A step that has been reached."""

    step: int
    levels: Levels
    "its two, where the backend keeps them"
    finite: bool = True


@dataclass(frozen=True)
class _Run:
    """What a run advances with."""

    problem: DiffusionAdvection
    dt: float
    dtype: np.dtype
    engine: backends.Backend
    start: str
    filter: RAW | None
    courses: dict[Filter | None, backends.Course] = field(default_factory=dict)
    "of a steady problem, by the filter of their steps"

    def advance(self, state: _State, to: int) -> _State:
        """Go to step `to`; the first step of all is made as `start` says."""
        step, levels, finite = state.step, state.levels, None
        if step == 0 and self.start != "copy":
            shape = np.broadcast_shapes(levels.now.shape, self.problem.batch + self.problem.grid.shape)
            H = np.broadcast_to(levels.now, shape)
            levels, step = Levels(first_step(self.problem, H, self.dt, self.start, self.engine), H.copy()), 1
        while step < to:
            # The first step of all is not filtered: there is no level before it.
            raw = self.filter.after(1 if step == 0 else 0) if self.filter else None
            if self.problem.steady:
                levels, finite = self._course(raw).advance(levels, to - step)
                step = to
            else:
                now = self.problem.at(step * self.dt)
                levels = self.engine.forward(levels, now.held(self.dtype), now.mesh(self.dt, raw), 1)
                step += 1
        return _State(to, levels, all_finite(levels.now) if finite is None else finite)

    def _course(self, raw: Filter | None) -> backends.Course:
        if raw not in self.courses:
            mesh = self.problem.mesh(self.dt, raw)
            self.courses[raw] = self.engine.Course(self.problem.held(self.dtype), mesh)
        return self.courses[raw]

    def read(self, state: _State) -> _State:
        """Return a state whose levels are arrays."""
        return replace(state, levels=self.engine.read(state.levels))

    def reuse(self, state: _State) -> None:
        """Let later steps overwrite a state."""
        if self.courses:
            list(self.courses.values())[-1].reuse(state.levels)  # the first step's filter has a course of its own

    def locate(self, good: _State, bad: int) -> tuple[_State, Failure | None]:
        """Find the first step after `good`, up to `bad`, that is not finite, and the last good state before it.

        A GPU may round a step otherwise in a launch of another length: if one by one all steps are finite, the state at
        `bad` is good, there is no failure yet, and a warning says so.
        """
        for step in range(good.step + 1, bad + 1):
            state = self.advance(good, step)
            finite = np.isfinite(self.engine.read(state.levels).now)
            if not finite.all():
                cell = tuple(int(i) for i in np.argwhere(~finite)[0])
                numbers = mesh_numbers(self.problem.at(good.step * self.dt), self.dt).at(cell, finite.shape)
                return good, Failure(step, step * self.dt, cell, numbers)
            good = state
        warnings.warn(
            f"steps up to {bad} were not finite together, and are one by one: the run goes on from these. A launch of "
            "another length may round otherwise; if the field is not about to overflow, mistrust the machine.",
            RuntimeWarning,
            stacklevel=4,
        )
        return good, None


def _loop(
    run: _Run, plan: Plan, state: _State, saved: Saved, judged: _Judged, ticker: Ticker, callback: Callback | None
) -> Solution:
    """Advance from one stop to the next, saving what the plan says; whatever happens, return the last good state."""
    failure: Failure | None = None
    status = Status.FINISHED
    try:
        with ticker:
            for stop in _stops(plan, state.step, _pause(run, state, callback)):
                if stop > state.step:
                    # Overflow is what the check looks for; NumPy need not announce it as well.
                    with np.errstate(over="ignore", invalid="ignore"):
                        reached = run.advance(state, stop)
                        if not reached.finite:
                            state, failure = run.locate(state, stop)
                            if failure:
                                status = Status.NON_FINITE
                                break
                        else:
                            if callback is None:  # nobody has seen it
                                run.reuse(state)
                            state = reached
                asked = saved.asks_for(stop)
                if asked or callback:
                    state = run.read(state)
                if asked:
                    saved.keep(state.levels.now)
                ticker.reached(stop)
                if callback and callback(stop, stop * plan.dt, _read_only(state.levels.now)):
                    status = Status.STOPPED if stop < plan.last else Status.FINISHED
                    break
    except KeyboardInterrupt:
        status = Status.INTERRUPTED
    if failure or status is Status.INTERRUPTED:
        warnings.warn(f"{status.value} ({failure or f'step {state.step}'})", RuntimeWarning, stacklevel=3)

    state = run.read(state)
    fields = saved.fields
    return Solution(
        grid=run.problem.grid,
        problem=run.problem.digest(),
        times=np.array(saved.steps) * plan.dt,
        fields=fields,
        status=status,
        steps=state.step,
        dt=plan.dt,
        dt_reason=plan.reason,
        levels=Levels(*(_of_shape(level, fields.shape[1:]) for level in state.levels)),
        stability_number=judged.number,
        mesh_numbers=judged.mesh_numbers,
        tau=judged.tau,
        start=run.start,
        filter=run.filter,
        backend=run.engine.NAME,
        failure=failure,
    )


def _of_shape(level: Array, shape: tuple[int, ...]) -> Array:
    """Return a level as it is, which nobody can write into any more, or spread over a batch."""
    own = level.shape == shape and level.base is None  # H[0] may be part of the saved fields
    return level if own else np.array(np.broadcast_to(level, shape))


def _read_only(array: Array) -> Array:
    view = array.view()
    view.flags.writeable = False
    return view


def _pause(run: _Run, state: _State, callback: Callback | None) -> int:
    """Return the steps between two looks."""
    if callback or not run.problem.steady:
        return CHECK_EVERY
    cells = math.prod(np.broadcast_shapes(state.levels.now.shape, run.problem.batch + run.problem.grid.shape))
    return max(CHECK_EVERY, min(AT_MOST, UPDATES // max(1, cells)))


def _stops(plan: Plan, first: int, pause: int) -> list[int]:
    """Return the steps at which the run pauses: to save, and to look for values that are not finite."""
    regular = range(first + pause, plan.last, pause)
    return sorted({*plan.saved, *regular, plan.last})
