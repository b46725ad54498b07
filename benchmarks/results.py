"""What was measured: one row a case and contender; its CSV and JSON."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

MEASURED, ABSENT, FAILED = "done", "absent", "failed"


@dataclass(frozen=True)
class Row:
    """One contender in one case.

    Attributes
    ----------
    group, case, contender : str
        Names.
    status : str
        ``"done"``; ``"absent"``: a package is not installed; ``"failed"``. The rest of the row is then empty.
    seconds, best : float
        Median and smallest time of a call.
    rounds : int
        How many calls were timed; 1 where the call after the first alone exceeded the budget.
    compiling : float
        Seconds that the first call took beyond the median.
    error : float or None
        Largest difference from the float64 reference over its largest value; None where there is none.
    updates, bytes, operations : int or None
        Cell updates, compulsory traffic and arithmetic of a call; None where it is not known.
    copy, triad : float
        Bytes a second of the yardsticks, medians over the rounds of this case.
    others : float or None
        Share of all cores that other programs used between the rounds; None where the system does not tell.
    note : str
        What was absent or failed.
    """

    group: str
    case: str
    contender: str
    status: str
    seconds: float = 0.0
    best: float = 0.0
    rounds: int = 0
    compiling: float = 0.0
    error: float | None = None
    updates: int = 0
    bytes: int | None = None
    operations: int | None = None
    copy: float = 0.0
    triad: float = 0.0
    others: float | None = None
    note: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells rows apart."""
        return self.group, self.case, self.contender

    @property
    def bandwidth(self) -> float | None:
        """Compulsory bytes a second."""
        return self.bytes / self.seconds if self.bytes and self.seconds else None

    @property
    def of_copy(self) -> float | None:
        """Share of the copy's rate."""
        return self.bandwidth / self.copy if self.bandwidth else None

    @property
    def of_triad(self) -> float | None:
        """Share of the triad's rate."""
        return self.bandwidth / self.triad if self.bandwidth else None

    @property
    def rate(self) -> float:
        """Updates a second."""
        return self.updates / self.seconds if self.seconds else 0.0


def write_csv(path: Path, rows: Iterable[Row]) -> None:
    """Write rows; `read_csv` reads them back."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [f.name for f in fields(Row)], lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({name: _text(value) for name, value in asdict(row).items()})


def read_csv(path: Path) -> list[Row]:
    """Read the rows that `write_csv` wrote."""
    with path.open(newline="", encoding="utf-8") as file:
        return [_row(record) for record in csv.DictReader(file)]


def write_json(path: Path, record: dict[str, Any]) -> None:
    """Write everything of a run: machine, settings, rows, tables."""
    path.write_text(json.dumps(record, indent=2, default=asdict) + "\n", encoding="utf-8")


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.5g}"
    return "" if value is None else str(value)


def _row(record: dict[str, str]) -> Row:
    values: dict[str, Any] = {}
    for f in fields(Row):
        if f.name not in record:  # an earlier version's file
            continue
        text = record[f.name]
        kind = str(f.type)
        if kind.startswith(("float", "int")):
            number = float if kind.startswith("float") else int
            values[f.name] = number(text) if text else None
        else:
            values[f.name] = text
    return Row(**values)
