"""`python -m benchmarks`: medians of interleaved runs, and the ratio to each peer in the same run."""

from __future__ import annotations

import json
import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.cases import CASES, PEERS
from benchmarks.timing import copy_bandwidth, interleaved_medians, keep_freed_memory
from benchmarks.training import BATCH, training_step
from nnbridge.models.mnist import Kernel
from solver.environment import describe

KERNELS: tuple[Kernel, ...] = ("cpu", "torch")
console = Console() if Console().is_terminal else Console(width=132)


def measure(
    rounds: Annotated[int, typer.Option(help="Timed rounds a case.", min=3)] = 15,
    only: Annotated[str, typer.Option(help="Only cases whose name contains this.")] = "",
    json_path: Annotated[Path | None, typer.Option("--json", help="Write the figures here too.")] = None,
) -> None:
    """Time the layer's kernel against plain torch and torch.compile, side by side."""
    kept = keep_freed_memory()
    bandwidth = copy_bandwidth()
    rows: list[dict[str, Any]] = []
    for case in track([c for c in CASES if only in c.name], "measuring", console=console):
        seconds = interleaved_medians({peer: case.run(peer) for peer in PEERS}, rounds)
        rows.append(
            {
                "case": case.name,
                **{f"{peer} ms": 1e3 * seconds[peer] for peer in PEERS},
                "x torch": seconds["torch"] / seconds["kernel"],
                "x compile": seconds["torch.compile"] / seconds["kernel"],
                "Gcell/s": case.updates / seconds["kernel"] / 1e9,
                "% of copy": 100 * case.bytes / seconds["kernel"] / bandwidth,
                "error": case.error(),
            }
        )
    show(f"planes x rows x columns, float32, {torch.get_num_threads()} threads; copy {bandwidth / 1e9:.1f} GB/s", rows)
    steps: list[dict[str, Any]] = []
    if only in "training":
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        seconds = interleaved_medians({k: training_step(k) for k in KERNELS}, 10 * rounds)
        torch.set_num_threads(threads)
        steps = [
            {"kernel": k, "ms a step": 1e3 * s, "images/s": BATCH / s, "x torch": seconds["torch"] / s}
            for k, s in seconds.items()
        ]
        show(f"Training step of the MNIST PDE network, batch {BATCH}, K = 5, one thread as in the recipe", steps)
    if json_path:
        settings: dict[str, Any] = {"OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", ""), "freed memory kept": kept}
        if find_spec("threadpoolctl"):
            settings["thread pools"] = import_module("threadpoolctl").threadpool_info()
        record = {"machine": describe(), "settings": settings, "layer": rows, "training": steps}
        json_path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def show(title: str, rows: list[dict[str, Any]]) -> None:
    """Print records as a table."""
    if not rows:
        return
    table = Table(title=title)
    for name, value in rows[0].items():
        table.add_column(name, justify="left" if isinstance(value, str) else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(v if isinstance(v, str) else f"{v:.4g}" for v in row.values()))
    console.print(table)


if __name__ == "__main__":
    typer.run(measure)
