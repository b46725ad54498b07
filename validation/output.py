"""What a run of the studies leaves behind: tables as CSV, figures as PNG, all results as JSON, and the
report.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from solver.environment import describe
from solver.report import Page
from validation.study import Claim, Study, StudyResult, Table

SHOWN = ("made", "pdebridge", "python", "numpy", "numba", "torch", "processor", "cores")


@dataclass(frozen=True)
class Outcome:
    """A study, what it found, and how long it took in seconds."""

    study: Study
    result: StudyResult
    seconds: float


def write_outputs(outcomes: Sequence[Outcome], folder: Path) -> Path:
    """Write everything into ``folder`` and return the path of the report, ``folder/report.html``.

    The figures are closed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for outcome in outcomes:
        for table in outcome.result.tables:
            _write_csv(table, folder / f"{table.name}.csv")
    record = {
        "environment": environment(),
        "studies": [
            {
                "name": outcome.study.name,
                "seconds": round(outcome.seconds, 3),
                "skipped": outcome.result.skipped,
                "passed": outcome.result.passed,
                "claims": [asdict(claim) for claim in outcome.result.claims],
                "tables": [
                    {**asdict(table), "rows": [[_plain(cell) for cell in row] for row in table.rows]}
                    for table in outcome.result.tables
                ],
            }
            for outcome in outcomes
        ],
    }
    text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    (folder / "results.json").write_text(text, encoding="utf-8")
    return build_page(outcomes, folder).write(folder / "report.html")


def environment() -> dict[str, str]:
    """Return what the numbers may depend on: versions and machine, and when they were made."""
    return {"made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), **describe()}


def build_page(outcomes: Sequence[Outcome], folder: Path) -> Page:
    """Return the report, the verdict first, then a section for each study; its figures also go into ``folder``."""
    claims = [claim for outcome in outcomes for claim in outcome.result.claims]
    held = sum(claim.holds for claim in claims)
    page = Page(
        "Validation of the scheme",
        "Leapfrog / DuFort-Frankel for the 2-D diffusion-advection equation: what it does, where it fails.",
    )
    page.section(
        "Summary",
        f"{held} of {len(claims)} claims hold. Each is judged by a number measured in this run, and is also "
        "a test of the project. The equation is H<sub>t</sub> + (uH)<sub>x</sub> + (vH)<sub>y</sub> = "
        "Dx H<sub>xx</sub> + Dy H<sub>yy</sub> + f; x is the row axis of an array, y the column axis.",
    )
    page.table(
        ("study", "claims", "verdict", "seconds"),
        [
            (o.study.title, len(o.result.claims), o.result.skipped or o.result.passed, f"{o.seconds:.1f}")
            for o in outcomes
        ],
        " · ".join(f"{name} {value}" for name, value in environment().items() if name in SHOWN),
    )
    for outcome in outcomes:
        _add_study(page, outcome, folder)
    return page


def _add_study(page: Page, outcome: Outcome, folder: Path) -> None:
    study, result = outcome.study, outcome.result
    page.section(study.title, study.question)
    if result.skipped:
        page.table(("skipped because",), [(result.skipped,)])
        return
    page.table(("claim", "measured", "verdict"), [_row(claim) for claim in result.claims])
    for picture in result.pictures:
        page.figure(picture.figure, picture.alt, picture.note, folder / f"{picture.name}.png")
    for table in result.tables:
        page.table(table.columns, table.rows, table.note)


def _row(claim: Claim) -> tuple[str, str, bool]:
    return claim.statement, claim.measured, claim.holds


def _plain(cell: object) -> object:
    """Return the cell as JSON can hold it: infinity and NaN as text."""
    return str(cell) if isinstance(cell, float) and not math.isfinite(cell) else cell


def _write_csv(table: Table, path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(table.columns)
        writer.writerows(table.rows)
