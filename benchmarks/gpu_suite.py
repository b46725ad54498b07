"""The GPU's section in one call: correctness first, then benchmarks, results as JSON and CSV.

    python -m benchmarks.gpu_suite --out gpu-results

Nothing of it has run on a GPU yet. `--device cpu` rehearses it with the CPU's kernel on few planes.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.gpu_cases import TIMES, GpuCase, layer_cases, training_cases
from nnbridge.models.mnist import Kernel
from solver.environment import describe

app = typer.Typer(add_completion=False)
console = Console()
COPIED = 2**30  # bytes of the yardstick's arrays
ROUNDS, WARM_UP = 15, 3
CACHES = 4  # so many times the last-level cache is gone over before a set of inputs comes again


@app.command()
def main(
    out: Annotated[Path, typer.Option(help="Where results go.")] = Path("gpu-results"),
    device: Annotated[str, typer.Option(help="cuda, or cpu for a rehearsal.")] = "cuda",
    seconds: Annotated[float, typer.Option(help="Cases that are not begun by then are left out.")] = 540.0,
    tests: Annotated[bool, typer.Option(help="Run `pytest -m gpu` first; stop if it fails.")] = True,
) -> None:
    """Check the kernels on a GPU, then time them beside torch and torch.compile."""
    if device == "cuda" and not torch.cuda.is_available():
        console.print("torch sees no CUDA GPU here: --device cpu rehearses the suite.", style="red")
        raise typer.Exit(1)
    end = time.monotonic() + seconds
    out.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {"machine": _machine(device), "copy GB/s": 0.0, "rows": []}
    if device == "cuda" and tests:
        found["tests"] = _run_tests(out)
    rehearsal = device == "cpu"
    found["copy GB/s"] = copy_rate(device, COPIED // 64 if rehearsal else COPIED)
    kernel: Kernel = "cpu" if rehearsal else "cuda"
    times = 0 if rehearsal else TIMES
    cases = [*layer_cases(device, kernel, times, _sets(device)), *training_cases(device, kernel)]
    for case in track(cases, "timing", console=console):
        if time.monotonic() > end:
            found["left out"] = len(cases) - len(found["rows"])
            console.print(f"{found['left out']} cases are left out: {seconds:g} s are over (--seconds)", style="yellow")
            break
        found["rows"].append(measure(case, device, found["copy GB/s"]))
        _keep(found, out)  # what is measured stays, whatever happens to the rest
    _keep(found, out)
    _show(found)
    console.print(f"results: {out / 'gpu.json'}, {out / 'gpu.csv'}")


def measure(case: GpuCase, device: str, copy: float) -> dict[str, Any]:
    """Return the median and the best of some calls, and what follows from them."""
    row: dict[str, Any] = {"case": case.name, "contender": case.contender}
    try:
        begin = time.perf_counter()
        call = case.prepare()
        call()
        _wait(device)
        row["first call s"] = time.perf_counter() - begin
        for _ in range(WARM_UP):
            call()
        times = [elapsed(call, device) for _ in range(ROUNDS)]
    except (torch.OutOfMemoryError, RuntimeError, NotImplementedError) as error:
        return row | {"failed": f"{type(error).__name__}: {error}".splitlines()[0]}
    finally:
        if device == "cuda":
            torch.cuda.empty_cache()
    row |= {"ms": median(times) * 1e3, "best ms": min(times) * 1e3, "items/s": case.items / median(times)}
    if case.bytes:
        rate = case.bytes / median(times) / 1e9
        row |= {"GB/s": rate, "of copy": rate / copy}
    return row


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


def copy_rate(device: str, size: int) -> float:
    """Return the GB/s of a copy in the device's memory, read and written bytes together."""
    source, target = (torch.empty(size // 4, device=device).fill_(1) for _ in range(2))
    times = [elapsed(lambda: target.copy_(source), device) for _ in range(2 * ROUNDS)]
    return 2 * size / median(times[ROUNDS:]) / 1e9


def _sets(device: str) -> Callable[[int], int]:
    """Return how many sets of inputs, of so many bytes, exceed the last-level cache several times."""
    cache = torch.cuda.get_device_properties(0).L2_cache_size if device == "cuda" else 0
    return lambda size: max(1, min(64, -(-CACHES * cache // size)))


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def _machine(device: str) -> dict[str, str]:
    facts = describe()
    if device == "cuda":
        facts |= {"CUDA": str(torch.version.cuda), "device": str(torch.cuda.get_device_properties(0))}
    return facts


def _run_tests(out: Path) -> str:
    """Run the tests that need a GPU; stop where one fails."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-m", "gpu", "-q", "tests/gpu"], capture_output=True, text=True, check=False
    )
    (out / "tests.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    summary = (done.stdout.strip().splitlines() or ["nothing"])[-1]
    console.print(f"tests: {summary}")
    if done.returncode:
        console.print(f"a test failed, so nothing is timed: {out / 'tests.log'}", style="red")
        raise typer.Exit(1)
    return summary


def _keep(found: dict[str, Any], out: Path) -> None:
    (out / "gpu.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    columns = ["case", "contender", "ms", "best ms", "items/s", "GB/s", "of copy", "first call s", "failed"]
    with (out / "gpu.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(found["rows"])


def _show(found: dict[str, Any]) -> None:
    table = Table("case", "contender", "ms", "over ours", "of copy", title=f"copy: {found['copy GB/s']:.0f} GB/s")
    ours: dict[str, float] = {
        row["case"]: row["ms"] for row in found["rows"] if row["contender"] == "pdebridge" and "ms" in row
    }
    for row in found["rows"]:
        if "ms" not in row:
            table.add_row(row["case"], row["contender"], row["failed"], "", "")
            continue
        ratio = f"{row['ms'] / ours[row['case']]:.2f}" if row["case"] in ours else ""
        share = f"{row['of copy']:.0%}" if "of copy" in row else ""
        table.add_row(row["case"], row["contender"], f"{row['ms']:.3f}", ratio, share)
    console.print(table)


if __name__ == "__main__":
    app()
