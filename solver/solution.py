"""What a solve returns: an immutable record that can be looked at, saved, and continued."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from solver.filters import RAW
from solver.grid import Grid
from solver.records import Array, Levels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMAT = "pdebridge solution 2"


class Status(enum.Enum):
    """How a solve ended; the value is a sentence."""

    FINISHED = "The solve reached t_end."
    NON_FINITE = "The solve stopped because a value became infinite or not a number; the last good state is kept."
    STOPPED = "The callback stopped the solve; continue it with solve(..., resume=solution)."
    INTERRUPTED = "The solve was interrupted; continue it with solve(..., resume=solution)."


@dataclass(frozen=True)
class Failure:
    """Where and when a solve became non-finite.

    Attributes
    ----------
    step : int
        First step whose result is not finite.
    time : float
        Its time.
    cell : tuple of int
        First such cell (batch indices first).
    mesh_numbers : (A_x, A_y, B_x, B_y)
        The numbers of that cell.
    """

    step: int
    time: float
    cell: tuple[int, ...]
    mesh_numbers: tuple[float, float, float, float]

    def __str__(self) -> str:
        A_x, A_y, B_x, B_y = self.mesh_numbers
        return (
            f"not finite at step {self.step}, t = {self.time:.6g}, cell {self.cell}, where A_x = {A_x:.4g}, "
            f"A_y = {A_y:.4g}, B_x = {B_x:.4g}, B_y = {B_y:.4g}"
        )


@dataclass(frozen=True, eq=False)
class Solution:
    """A solved problem.

    Attributes
    ----------
    grid : Grid
        The plane.
    problem : str
        Fingerprint of the problem, `DiffusionAdvection.digest`: a run is resumed with the same one.
    times : array (n,)
        Times of the saved fields, in order; each is a step of the run, so it can differ from the `save_at` asked
        for by up to dt/2.
    fields : array (n, ..., rows, columns)
        The saved fields; frozen.
    status : Status
        How the solve ended.
    steps : int
        Steps made since t = 0; the time of step k is k * dt.
    dt : float
        The time step.
    dt_reason : str
        Why this dt, in a sentence.
    levels : Levels
        H[steps] and H[steps-1], the last good state: what a three-level scheme needs to go on.
    stability_number : float
        Largest of any cell; the frozen-coefficient criterion asks for at most 1. With a filter, relative to what
        that allows.
    mesh_numbers : (A_x, A_y, B_x, B_y)
        The largest absolute value of each over all cells.
    tau : float
        The consistency time dt^2 (Dx/dx^2 + Dy/dy^2), its largest value.
    start : str
        How the first step was made.
    filter : RAW or None
        The time filter.
    backend : str
        Which backend ran.
    failure : Failure or None
        What went wrong, for Status.NON_FINITE.
    """

    grid: Grid
    problem: str
    times: Array
    fields: Array
    status: Status
    steps: int
    dt: float
    dt_reason: str
    levels: Levels
    stability_number: float
    mesh_numbers: tuple[float, float, float, float]
    tau: float
    start: str
    filter: RAW | None
    backend: str
    failure: Failure | None = None

    def __post_init__(self) -> None:
        for array in (self.times, self.fields, *self.levels):
            array.flags.writeable = False

    @property
    def final(self) -> Array:
        """The last good field, H[steps]; shape (..., rows, columns)."""
        return self.levels.now

    @property
    def time(self) -> float:
        """Time of `final`: steps * dt."""
        return self.steps * self.dt

    def __repr__(self) -> str:
        A_x, A_y, B_x, B_y = self.mesh_numbers
        failure = f"\n  failure: {self.failure}" if self.failure else ""
        return (
            f"Solution(\n  {self.status.value}{failure}\n"
            f"  t = {self.time:.6g} after {self.steps} steps of dt = {self.dt:.6g} ({self.dt_reason})\n"
            f"  {self.grid.sides}; start {self.start}, {self.filter or 'no filter'}\n"
            f"  {len(self.times)} saved fields of shape {self.fields.shape[1:]}, {self.fields.dtype}, "
            f"backend {self.backend}\n"
            f"  stability number {self.stability_number:.4g}; max |A_x| = {A_x:.4g}, |A_y| = {A_y:.4g}, "
            f"B_x = {B_x:.4g}, B_y = {B_y:.4g}; tau = {self.tau:.4g}\n)"
        )

    def save(self, path: str | Path) -> Path:
        """Write everything to one compressed .npz file and return its path; `load` reads it back bit for bit."""
        path = Path(path)
        if path.suffix != ".npz":
            path = path.with_name(path.name + ".npz")
        record = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("times", "fields", "levels")}
        record["grid"] = self.grid.record()
        record["filter"] = vars(self.filter) if self.filter else None
        record["status"] = self.status.name
        record["failure"] = vars(self.failure) if self.failure else None
        partial = path.with_name(path.name + ".part")
        with partial.open("wb") as file:
            np.savez_compressed(
                file,
                format=FORMAT,
                record=json.dumps(record),
                times=self.times,
                fields=self.fields,
                now=self.levels.now,
                old=self.levels.old,
            )
        return partial.replace(path)

    @classmethod
    def load(cls, path: str | Path) -> Solution:
        """Read a solution written by `save`.

        Raises
        ------
        ValueError
            If the file is not one.
        """
        with np.load(path, allow_pickle=False) as file:
            found = str(file["format"]) if "format" in file else ""
            if found != FORMAT and found.startswith(FORMAT.rpartition(" ")[0]):
                raise ValueError(
                    f"`path` {str(path)!r} was saved by another version ({found!r}, not {FORMAT!r}): solve again."
                )
            if found != FORMAT:
                raise ValueError(f"`path` {str(path)!r} is not a saved solution: it takes a file of Solution.save.")
            record: dict[str, Any] = json.loads(str(file["record"]))
            arrays = {name: file[name] for name in ("times", "fields", "now", "old")}
        grid, raw = Grid.from_record(record.pop("grid")), record.pop("filter")
        failure = record.pop("failure")
        if failure:
            failure = Failure(failure["step"], failure["time"], tuple(failure["cell"]), tuple(failure["mesh_numbers"]))
        record["mesh_numbers"] = tuple(record["mesh_numbers"])
        return cls(
            grid=grid,
            filter=RAW(**raw) if raw else None,
            times=arrays["times"],
            fields=arrays["fields"],
            levels=Levels(arrays["now"], arrays["old"]),
            status=Status[record.pop("status")],
            failure=failure,
            **record,
        )

    def plot(self, *, plane: tuple[int, ...] = (), panels: int = 4) -> Figure:
        """Draw saved fields side by side on one colour scale; see `solver.plotting.plot_solution`."""
        from solver.plotting import plot_solution

        return plot_solution(self, plane=plane, panels=panels)

    def animate(self, path: str | Path, *, plane: tuple[int, ...] = ()) -> Path:
        """Write the saved fields as a GIF or MP4; see `solver.plotting.animate_solution`."""
        from solver.plotting import animate_solution

        return animate_solution(self, path, plane=plane)
