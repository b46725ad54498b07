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
from nnbridge.reproduce import text_tables
from nnbridge.reproduce.cifar.recipes import RECIPES
from nnbridge.reproduce.cifar.rows import Row, Study
from nnbridge.reproduce.study import Run, Spread
from nnbridge.training import TrainingConfig
from nnbridge.training.machine import accelerator

NOT_RUN: Final = "not run"
_TOLD: Final = ("backbone", "variant", "seed", "epochs", "device")  # by the rows, or elsewhere in the note
_OURS: Final = (
    "network", "parameters", "MACs, M", "PDE MACs, M", "depth", "accuracy, %", "test set, s", "images/s",
)  # fmt: skip
_PUBLISHED: Final = ("paper, %", "port, %", "paper parameters", "paper MACs", "paper test set, s")

NOTE: Final = (
    "Ours: test accuracy after the last of {epochs} epochs, recipe {recipe}{overrides}; {seeds}. MACs are the "
    "multiply-adds of convolutions and linear maps for one image, those of the equation's steps counted apart; depth "
    "is the number of layers with weights on the longest path. The time for the test images, {where}, is the median "
    "of three passes in turns, channels first, the Global layers by their one-pass kernel; images/s counts training "
    "steps alone; other work on the machine slows both down. Published: the paper is Kag and Saligrama, CVPR 2022, "
    "trained for 300 epochs, its times on its own hardware; the port is an independent one to TensorFlow."
)


@dataclass(frozen=True)
class Line:
    """A row of the table; what only a finished run knows is None until then."""

    row: Row
    cost: Cost
    accuracy: Spread | None
    images_per_second: Spread | None
    seconds: float | None
    "for the test images; None: not measured"
    diverged: int = 0
    "seeds whose loss became infinite or NaN"

    @classmethod
    def of(cls, row: Row, cost: Cost, runs: Sequence[Run], seconds: float | None, diverged: int = 0) -> Line:
        """Summarise the runs of a row, none or several seeds."""
        return cls(
            row,
            cost,
            Spread.of([run.metrics.test_accuracy for run in runs]) if runs else None,
            Spread.of([run.metrics.images_per_second for run in runs]) if runs else None,
            seconds,
            diverged,
        )

    def result(self) -> str:
        """Return the accuracy as text, with the number of seeds if it is not one, and those that diverged."""
        seeds = f" (n = {self.accuracy.count})" if self.accuracy and self.accuracy.count > 1 else ""
        found = f"{self.accuracy.text(2)}{seeds}" if self.accuracy else "" if self.diverged else NOT_RUN
        lost = f"{self.diverged} diverged" if self.diverged else ""
        return ", ".join(part for part in (found, lost) if part)

    def cells(self) -> list[str]:
        """Return our columns as text."""
        return [
            self.row.label,
            f"{self.cost.parameters:,}",
            f"{self.cost.macs / 1e6:.1f}",
            f"{self.cost.pde_macs / 1e6:.2f}" if self.cost.pde_macs else "",
            str(self.cost.depth),
            self.result(),
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


def note(lines: Sequence[Line], recipe: str, config: TrainingConfig) -> str:
    """Say in words what the columns hold; `config` is that of any row, whose choices beside the network all share."""
    count = max((line.accuracy.count for line in lines if line.accuracy), default=0)
    seeds = "mean ± standard deviation over n seeds" if count > 1 else "one seed, so that no spread is known"
    standing = TrainingConfig.for_data(config.data, **(RECIPES[recipe] | {"backbone": config.backbone})).as_dict()
    own = {name: value for name, value in config.as_dict().items() if value != standing[name] and name not in _TOLD}
    overrides = f" with {', '.join(f'{name} {value}' for name, value in own.items())}" if own else ""
    device = accelerator(config.device)
    where = f"on {config.threads} CPU threads" if device == "cpu" else f"on a GPU ({device})"
    return NOTE.format(
        seeds=seeds if count else "nothing is trained yet",
        recipe=recipe,
        epochs=config.epochs,
        overrides=overrides,
        where=where,
    )


def terminal(study: Study, lines: Sequence[Line]) -> Table:
    """Return the table for a terminal."""
    return text_tables.terminal(f"{study.title}, {study.data}", *columns_and_rows(lines))


def write(study: Study, lines: Sequence[Line], runs: Sequence[Run], said: str, out: Path) -> None:
    """Write ``results.csv`` (one row a run), ``results.json`` (all there is) and ``results.md`` (the table).

    ``said`` is the `note` below it.
    """
    by_name: Mapping[str, Line] = {line.row.name: line for line in lines}
    with (out / "results.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ["row", "seed", "parameters", "macs", "pde_macs", "depth", "test_accuracy", "best_accuracy",
             "images_per_second", "seconds"]
        )  # fmt: skip
        writer.writerows(
            [
                run.row, run.config.seed, run.metrics.parameters, by_name[run.row].cost.macs,
                by_name[run.row].cost.pde_macs, by_name[run.row].cost.depth, f"{run.metrics.test_accuracy:.4f}",
                f"{run.metrics.best_accuracy:.4f}", f"{run.metrics.images_per_second:.0f}",
                f"{run.metrics.seconds:.2f}",
            ]
            for run in runs
        )  # fmt: skip
    everything = {
        "study": study.title,
        "data": study.data,
        "note": said,
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
    page = text_tables.markdown(f"{study.title}, {study.data}", *columns_and_rows(lines), said)
    (out / "results.md").write_text(page, encoding="utf-8")
