"""`python -m benchmarks`: medians of interleaved runs, and the ratio to each peer in the same run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.cases import CASES, PEERS
from benchmarks.timing import copy_bandwidth, interleaved_medians
from benchmarks.training import BATCH, training_step
from nnbridge.models.mnist import Kernel
from solver.environment import describe

KERNELS: tuple[Kernel, ...] = ("cpu", "torch")
console = Console()


def measure(
    rounds: Annotated[int, typer.Option(help="Timed rounds a case.", min=3)] = 15,
    only: Annotated[str, typer.Option(help="Only cases whose name contains this.")] = "",
    json_path: Annotated[Path | None, typer.Option("--json", help="Write the figures here too.")] = None,
) -> None:
    """Time the layer's kernel against plain torch and torch.compile, side by side."""
    bandwidth = copy_bandwidth()
    rows: list[dict[str, Any]] = []
    for case in track([c for c in CASES if only in c.name], "measuring", console=console):
        seconds = interleaved_medians({peer: case.run(peer) for peer in PEERS}, rounds)
        rows.append(
            {
                "case": case.name,
                **{f"{peer} ms": 1e3 * seconds[peer] for peer in PEERS},
                "over torch": seconds["torch"] / seconds["kernel"],
                "over torch.compile": seconds["torch.compile"] / seconds["kernel"],
                "Gcell/s": case.updates / seconds["kernel"] / 1e9,
                "copy bandwidth %": 100 * case.bytes / seconds["kernel"] / bandwidth,
                "float32 error": case.error(),
            }
        )
    show(f"K steps, float32, {torch.get_num_threads()} threads; copy {bandwidth / 1e9:.1f} GB/s", rows)
    steps: list[dict[str, Any]] = []
    if only in "training":
        seconds = interleaved_medians({k: training_step(k) for k in KERNELS}, 10 * rounds)
        steps = [
            {"kernel": k, "ms a step": 1e3 * s, "images/s": BATCH / s, "over torch": seconds["torch"] / s}
            for k, s in seconds.items()
        ]
        show(f"Training step of the MNIST PDE network, batch {BATCH}, K = 5", steps)
    if json_path:
        record = {"machine": describe(), "layer": rows, "training": steps}
        json_path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def show(title: str, rows: list[dict[str, Any]]) -> None:
    """Print records as a table."""
    if not rows:
        return
    table = Table(*rows[0], title=title)
    for row in rows:
        table.add_row(*(v if isinstance(v, str) else f"{v:.3g}" for v in row.values()))
    console.print(table)


if __name__ == "__main__":
    typer.run(measure)
