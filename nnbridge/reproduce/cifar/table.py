"""The table of a study on CIFAR: what it holds, and how it is written."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from rich.table import Table

from nnbridge.models.cost import Cost
from nnbridge.reproduce.cifar.rows import Row, Study
from nnbridge.reproduce.study import Run, Spread

NOT_RUN: Final = "not run"
_OURS: Final = (
    "network", "parameters", "MACs, M", "PDE MACs, M", "depth", "accuracy, %", "test set, s", "images/s",
)  # fmt: skip
_PUBLISHED: Final = ("paper, %", "port, %", "paper parameters", "paper MACs", "paper test set, s")

NOTE: Final = (
    "Ours: test accuracy after the last epoch, {seeds}, recipe {recipe}. MACs are the multiply-adds of convolutions "
    "and linear maps for one image, those of the equation's steps counted apart; depth is the number of layers with "
    "weights on the longest path; the time for the test images is the median of three passes in turns; images/s "
    "counts training steps alone, and other work on the machine slows it down. Published: the paper is Kag and "
    "Saligrama, CVPR 2022, trained for 300 epochs; the port is an independent one to TensorFlow."
)


@dataclass(frozen=True)
class Line:
    """A row of the table; what only a finished run knows is None until then."""

    row: Row
    cost: Cost
    accuracy: Spread | None
    images_per_second: Spread | None
    seconds: float | None
    "for the test images"

    @classmethod
    def of(cls, row: Row, cost: Cost, runs: Sequence[Run], seconds: float | None) -> Line:
        """Summarise the runs of a row, none or several seeds."""
        return cls(
            row,
            cost,
            Spread.of([run.metrics.test_accuracy for run in runs]) if runs else None,
            Spread.of([run.metrics.images_per_second for run in runs]) if runs else None,
            seconds,
        )

    def cells(self) -> list[str]:
        """Return our columns as text."""
        return [
            self.row.label,
            f"{self.cost.parameters:,}",
            f"{self.cost.macs / 1e6:.1f}",
            f"{self.cost.pde_macs / 1e6:.2f}" if self.cost.pde_macs else "",
            str(self.cost.depth),
            self.accuracy.text(2) if self.accuracy else NOT_RUN,
            f"{self.seconds:.2f}" if self.seconds else "",
            f"{self.images_per_second.mean:,.0f}" if self.images_per_second else "",
        ]

    def published_cells(self) -> list[str]:
        """Return the published columns as text."""
        known = self.row.published
        return [
            f"{known.paper:.2f}" if known.paper else "",
            f"{known.port:.2f}" if known.port else "",
            known.parameters or "",
            known.macs or "",
            f"{known.seconds}" if known.seconds else "",
        ]


def columns_and_rows(lines: Sequence[Line]) -> tuple[list[str], list[list[str]]]:
    """Return headings and rows of text; a published column that is empty throughout is left out."""
    published = [line.published_cells() for line in lines]
    shown = [index for index in range(len(_PUBLISHED)) if any(cells[index] for cells in published)]
    headings = [*_OURS, *(_PUBLISHED[index] for index in shown)]
    rows = [[*line.cells(), *(cells[index] for index in shown)] for line, cells in zip(lines, published, strict=True)]
    return headings, rows


def note(lines: Sequence[Line], recipe: str) -> str:
    """Say in words what the columns hold."""
    count = max((line.accuracy.count for line in lines if line.accuracy), default=0)
    seeds = f"mean ± standard deviation over up to {count} seeds" if count > 1 else "one seed: no spread is known"
    return NOTE.format(seeds=seeds, recipe=recipe)


def terminal(study: Study, lines: Sequence[Line]) -> Table:
    """Return the table for a terminal."""
    table = Table(title=f"{study.title}, {study.data}", title_justify="left")
    headings, rows = columns_and_rows(lines)
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="left" if index == 0 else "right")
    for row in rows:
        table.add_row(*row)
    return table


def write(study: Study, lines: Sequence[Line], runs: Sequence[Run], recipe: str, out: Path) -> None:
    """Write ``results.csv`` (one row a run), ``results.json`` (all there is) and ``results.md`` (the table)."""
    by_name: Mapping[str, Line] = {line.row.name: line for line in lines}
    with (out / "results.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ["row", "seed", "parameters", "macs", "pde_macs", "depth", "test_accuracy", "best_accuracy",
             "images_per_second", "seconds", "test_set_seconds"]
        )  # fmt: skip
        writer.writerows(
            [
                run.row, run.config.seed, run.metrics.parameters, by_name[run.row].cost.macs,
                by_name[run.row].cost.pde_macs, by_name[run.row].cost.depth, f"{run.metrics.test_accuracy:.4f}",
                f"{run.metrics.best_accuracy:.4f}", f"{run.metrics.images_per_second:.0f}",
                f"{run.metrics.seconds:.2f}", by_name[run.row].seconds,
            ]
            for run in runs
        )  # fmt: skip
    everything = {
        "study": study.title,
        "data": study.data,
        "recipe": recipe,
        "rows": [asdict(line) for line in lines],
        "runs": [
            {
                "row": run.row,
                "config": run.config.as_dict(),
                "metrics": asdict(run.metrics),
                "environments": json.loads((run.folder / "environment.json").read_text(encoding="utf-8")),
            }
            for run in runs
        ],
    }
    (out / "results.json").write_text(json.dumps(everything, indent=2) + "\n", encoding="utf-8")
    headings, rows = columns_and_rows(lines)
    text = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in text)
    (out / "results.md").write_text(
        f"# {study.title}, {study.data}\n\n{table}\n\n{note(lines, recipe)}\n", encoding="utf-8"
    )
