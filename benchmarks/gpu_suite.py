"""The GPU's section in one call: correctness first, then benchmarks, results as JSON and CSV.

    python -m benchmarks.gpu_suite --out gpu-results

Nothing of it has run on a GPU yet. `--device cpu` rehearses it with the CPU's kernel on few planes.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Annotated, Any, NamedTuple, cast, get_args

import torch
import typer
from rich.console import Console
from rich.progress import track

from benchmarks import gpu_cases
from benchmarks.gpu_cases import Device, GpuCase
from benchmarks.peers import OURS
from benchmarks.results import FAILED, MEASURED, Row, write_csv, write_json
from benchmarks.settings import machine
from benchmarks.tables import contest_table

app = typer.Typer(add_completion=False)
console = Console() if Console().is_terminal else Console(width=150)
SIZE = 2**30  # bytes of an array of the yardsticks
ROUNDS, WARM_UP = 15, 3
CACHES = 4  # so many times the last-level cache is gone over before a set of inputs comes again
MOST_SETS = 64
TOOLS = ("memcheck", "racecheck")  # of compute-sanitizer


class Yardsticks(NamedTuple):
    """Bytes a second in the device's memory, read and written together."""

    copy: float
    triad: float


@app.command()
def main(
    out: Annotated[Path, typer.Option(help="Where results go.")] = Path("gpu-results"),
    device: Annotated[str, typer.Option(help="cuda, or cpu for a rehearsal.")] = "cuda",
    seconds: Annotated[float, typer.Option(help="Contenders that are not begun by then are left out.")] = 540.0,
    tests: Annotated[bool, typer.Option(help="Run the GPU's tests and compute-sanitizer first.")] = True,
) -> None:
    """Check the kernels on a GPU, then time them beside torch and torch.compile; exit code 1 if ours fail."""
    if device not in get_args(Device):
        raise typer.BadParameter(f"`device` is {device!r}: it takes cpu or cuda", param_hint="--device")
    if device == "cuda" and not torch.cuda.is_available():
        console.print("torch sees no CUDA GPU here: --device cpu rehearses the suite.", style="red")
        raise typer.Exit(1)
    end = time.monotonic() + seconds
    out.mkdir(parents=True, exist_ok=True)
    record: dict[str, Any] = {"machine": _machine(device), "tests": "not run", "sanitizer": "not run"}
    if tests:
        record["tests"], record["sanitizer"] = _run_tests(out), _sanitize(out)
    rehearsal = device == "cpu"
    yardsticks = measure_yardsticks(device, SIZE // 64 if rehearsal else SIZE)
    cases = gpu_cases.cases(0, (64,)) if rehearsal else gpu_cases.cases()
    due = [(case, contender) for case in cases for contender in case.contenders]
    rows: list[Row] = []
    for case, contender in track(due, "timing", console=console):
        if time.monotonic() > end:
            console.print(
                f"{len(due) - len(rows)} rows are left out: {seconds:g} s are over (--seconds)", style="yellow"
            )
            break
        rows.append(measure(case, contender, cast(Device, device), yardsticks))
        _keep(record, rows, out)  # what is measured stays, whatever happens to the rest
    for _, found in groupby(rows, lambda row: row.group):
        console.print(contest_table(list(found)))
    failed = [row for row in rows if row.status == FAILED]
    for row in failed:
        console.print(f"{row.case}, {row.contender}: {row.note}", style="red")
    _keep(record, rows, out)
    console.print(f"results: {out / 'gpu.json'}, {out / 'gpu.csv'}")
    if any(row.contender == OURS for row in failed):
        raise typer.Exit(1)


def measure(case: GpuCase, contender: str, device: Device, yardsticks: Yardsticks) -> Row:
    """Return the median and the best of some calls; of a contender that fails, for want of memory say, why."""
    try:
        call = gpu_cases.prepare(case, contender, device, _sets(case.bytes, device))
        first = elapsed(call, device)
        for _ in range(WARM_UP):
            call()
        times = [elapsed(call, device) for _ in range(ROUNDS)]
    except Exception as error:  # whatever a peer raises, the others go on, and the exit code tells of ours
        note = f"{type(error).__name__}: {error}".splitlines()[0]
        return Row(case.group, case.name, contender, FAILED, note=note)
    finally:
        if device == "cuda":
            torch.cuda.empty_cache()
    typical = median(times)
    return Row(
        case.group,
        case.name,
        contender,
        MEASURED,
        seconds=typical,
        best=min(times),
        rounds=ROUNDS,
        compiling=max(0.0, first - typical),
        updates=case.updates,
        bytes=case.bytes,
        operations=case.operations,
        copy=yardsticks.copy,
        triad=yardsticks.triad,
    )


def elapsed(call: Callable[[], object], device: str) -> float:
    """Return the seconds of a call: between two events of the GPU, else by the clock."""
    if device == "cpu":
        begin = time.perf_counter()
        call()
        return time.perf_counter() - begin
    begins, ends = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begins.record()
    call()
    ends.record()
    ends.synchronize()
    return float(begins.elapsed_time(ends)) / 1e3


def measure_yardsticks(device: str, size: int) -> Yardsticks:
    """Measure a copy and a triad, a = b + s c, of arrays of so many bytes."""
    a, b, c = (torch.ones(size // 4, device=device) for _ in range(3))

    def rate(call: Callable[[], object], arrays: int) -> float:
        times = [elapsed(call, device) for _ in range(WARM_UP + ROUNDS)]
        return arrays * size / median(times[WARM_UP:])

    return Yardsticks(rate(lambda: a.copy_(b), 2), rate(lambda: torch.add(b, c, alpha=3.0, out=a), 3))


def _sets(size: int | None, device: str) -> int:
    """Return how many sets of inputs, of so many bytes a call, exceed the last-level cache several times."""
    if device == "cpu" or not size:
        return 1
    cache = torch.cuda.get_device_properties(0).L2_cache_size
    return max(1, min(MOST_SETS, -(-CACHES * cache // size)))


def _machine(device: str) -> dict[str, str]:
    if device == "cpu":
        return machine()
    return machine() | {"CUDA": str(torch.version.cuda), "device": str(torch.cuda.get_device_properties(0))}


def _run_tests(out: Path) -> str:
    """Run the tests that need a GPU, all skipped without one; stop where one fails."""
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "-q", "tests/gpu"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (out / "tests.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    summary = (done.stdout.strip().splitlines() or ["nothing"])[-1]
    console.print(f"tests: {summary}")
    if done.returncode or not _all_ran(done.stdout):
        console.print(f"a test failed or was skipped, so nothing is timed: {out / 'tests.log'}", style="red")
        raise typer.Exit(1)
    return summary


def _all_ran(output: str) -> bool:
    """Whether pytest has run tests and skipped none: where the kernels find no GPU it would skip them all."""
    return bool(re.search(r"\d+ passed", output)) and not re.search(r"\d+ skipped", output)


def _sanitize(out: Path) -> dict[str, str]:
    """Look for races and accesses outside memory with compute-sanitizer, if it is there; stop where it finds one."""
    sanitizer = shutil.which("compute-sanitizer")
    if sanitizer is None:
        console.print("compute-sanitizer, of the CUDA toolkit, is absent: races are not looked for", style="yellow")
        return dict.fromkeys(TOOLS, "compute-sanitizer is absent")
    found = {}
    for tool in TOOLS:
        command = [sanitizer, "--tool", tool, "--error-exitcode", "9", "--report-api-errors", "no"]
        command += [sys.executable, "-m", "pytest", "-q", "tests/gpu/test_sanitized.py"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        (out / f"{tool}.log").write_text(done.stdout + done.stderr, encoding="utf-8")
        found[tool] = f"exit code {done.returncode}"
        console.print(f"{tool}: {found[tool]}")
        if done.returncode or not _all_ran(done.stdout):
            console.print(
                f"{tool} ran no test or found something, nothing is timed: {out / f'{tool}.log'}", style="red"
            )
            raise typer.Exit(1)
    return found


def _keep(record: dict[str, Any], rows: Sequence[Row], out: Path) -> None:
    write_csv(out / "gpu.csv", rows)
    write_json(out / "gpu.json", record | {"rows": rows})


if __name__ == "__main__":
    app()
