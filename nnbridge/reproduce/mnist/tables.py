"""The table of a study: on the terminal, as CSV, JSON and Markdown."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from nnbridge.data import class_names
from nnbridge.reproduce import text_tables
from nnbridge.reproduce.mnist import CONFUSED, Summary, confusions
from nnbridge.reproduce.mnist.published import PUBLISHED, PUBLISHED_DATA
from nnbridge.reproduce.study import Run

_PUBLISHED = ("paper, %", "port, %", "paper, 3↔5 errors", "port, 3↔5 %")

NOTE = (
    "Ours: test accuracy after the last of {epochs} epochs, {seeds}; "
    "{pair} errors are the test images of class {one} taken for class {other}, or the other way round; "
    "images/s counts training steps alone. "
)
PUBLISHED_NOTE = (
    "Published, on MNIST: the paper is Kag and Saligrama, CVPR 2022; the port is an independent one to TensorFlow, "
    "which gives its 3↔5 confusion in per cent."
)
OTHER_DATA_NOTE = "The published numbers belong to MNIST and are not comparable with these, so they are not shown."


def confused(data: str) -> str:
    """Return the names of the two classes whose confusions are counted, such as 3↔5."""
    return "↔".join(class_names(data)[label] for label in CONFUSED)


def columns(data: str) -> list[str]:
    """Return the headings: ours, and on MNIST the published ones beside them."""
    ours = ("network", "parameters", "accuracy, %", f"{confused(data)} errors", "images/s")
    return [*ours, *(_PUBLISHED if data == PUBLISHED_DATA else ())]


def rows(summaries: Sequence[Summary], data: str) -> list[list[str]]:
    """Return one row of text for each network, in the order of `columns`."""
    table = []
    for summary in summaries:
        row = [
            summary.backbone,
            str(summary.parameters),
            summary.accuracy.text(2),
            summary.confusions.text(1 if summary.confusions.count > 1 else 0),
            f"{summary.images_per_second.mean:,.0f}",
        ]
        if data == PUBLISHED_DATA:
            there = PUBLISHED[summary.backbone]
            row += [
                f"{there.paper_accuracy:.2f}",
                f"{there.port_accuracy:.2f}",
                str(there.paper_confusions),
                f"{there.port_confusion:.2f}",
            ]
        table.append(row)
    return table


def note(runs: Sequence[Run]) -> str:
    """Say in words what the columns hold."""
    config = runs[0].config
    seeds = len({run.config.seed for run in runs})
    spread = f"mean ± standard deviation over {seeds} seeds" if seeds > 1 else "one seed"
    one, other = (class_names(config.data)[label] for label in CONFUSED)
    ours = NOTE.format(seeds=spread, epochs=config.epochs, pair=confused(config.data), one=one, other=other)
    return ours + (PUBLISHED_NOTE if config.data == PUBLISHED_DATA else OTHER_DATA_NOTE)


def terminal(summaries: Sequence[Summary], data: str) -> Table:
    """Return the table for a terminal."""
    return text_tables.terminal(f"Three networks on {data}", columns(data), rows(summaries, data))


def write(summaries: Sequence[Summary], runs: Sequence[Run], out: Path) -> None:
    """Write ``results.csv`` (one row a run), ``results.json`` (all there is) and ``results.md`` (the table)."""
    data = runs[0].config.data
    with (out / "results.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ["backbone", "seed", "parameters", "test_accuracy", "confusions_3_5", "images_per_second", "seconds"]
        )
        writer.writerows(
            [
                run.config.backbone, run.config.seed, run.metrics.parameters, f"{run.metrics.test_accuracy:.4f}",
                confusions(run), f"{run.metrics.images_per_second:.0f}", f"{run.metrics.seconds:.2f}",
            ]
            for run in runs
        )  # fmt: skip
    everything = {
        "summary": [asdict(summary) for summary in summaries],
        "published": {name: asdict(row) for name, row in PUBLISHED.items()} if data == PUBLISHED_DATA else None,
        "runs": [{"config": run.config.as_dict(), "metrics": asdict(run.metrics)} for run in runs],
    }
    (out / "results.json").write_text(json.dumps(everything, indent=2) + "\n", encoding="utf-8")
    page = text_tables.markdown(f"Three networks on {data}", columns(data), rows(summaries, data), note(runs))
    (out / "results.md").write_text(page, encoding="utf-8")
