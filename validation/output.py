"""What a run of the studies leaves behind: tables as CSV, figures as PNG, all results as JSON, and the
report.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Any

from solver.environment import describe
from solver.report import Link, Page, Png
from validation.running import Outcome, Run
from validation.study import Claim

SHOWN = ("made", "pdebridge", "python", "numpy", "numba", "torch", "processor", "cores")


FOLDED_ROWS = 12  # a longer table is folded away until it is opened


def write_outputs(run: Run, folder: Path, drawn: Mapping[str, Png] = MappingProxyType({})) -> Path:
    """Write everything into ``folder`` and return the path of the report, ``folder/report.html``.

    Figures are taken from ``drawn`` by the name of their picture, or drawn and closed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for outcome in run.outcomes:
        for table in outcome.result.tables:
            _write_csv(folder / f"{table.name}.csv", table.columns, table.rows)
    claims = [(o.study.name, c.holds, c.statement, c.measured) for o in run.outcomes for c in o.result.claims]
    _write_csv(folder / "claims.csv", ("study", "holds", "claim", "measured"), claims)
    text = json.dumps(record(run), indent=2, ensure_ascii=False, allow_nan=False, default=_of_numpy) + "\n"
    (folder / "results.json").write_text(text, encoding="utf-8")
    return build_page(run, folder, drawn).write(folder / "report.html")


def record(run: Run) -> dict[str, object]:
    """Return all results as JSON can hold them."""
    return {
        "command": run.command,
        "mode": mode(run),
        "seconds": round(run.seconds, 3),
        "passed": run.passed,
        "missing": list(run.missing),
        "environment": environment(),
        "studies": [_study_record(outcome) for outcome in run.outcomes],
    }


def _study_record(outcome: Outcome) -> dict[str, object]:
    return {
        "name": outcome.study.name,
        "seconds": round(outcome.seconds, 3),
        "skipped": outcome.result.skipped,
        "error": outcome.error,
        "passed": outcome.passed,
        "claims": [asdict(claim) for claim in outcome.result.claims],
        "tables": [
            {**asdict(table), "rows": [[_plain(cell) for cell in row] for row in table.rows]}
            for table in outcome.result.tables
        ],
    }


def mode(run: Run) -> str:
    """Return how much the studies did, in a word."""
    return "full" if run.full else "quick"


def environment() -> dict[str, str]:
    """Return what the numbers may depend on: versions and machine, and when they were made."""
    return {"made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), **describe()}


def build_page(run: Run, folder: Path, drawn: Mapping[str, Png]) -> Page:
    """Return the report, the verdict first, then a section for each study; its figures also go into ``folder``."""
    page = Page(
        "Validation of the scheme",
        "Leapfrog / DuFort-Frankel for the 2-D diffusion-advection equation: what it does, where it fails.",
    )
    page.section(
        "Summary",
        f"{escape(run.verdict)} Each is judged by a number measured in this run, and is also a test of the project. "
        "The equation is H<sub>t</sub> + (uH)<sub>x</sub> + (vH)<sub>y</sub> = Dx H<sub>xx</sub> + Dy "
        "H<sub>yy</sub> + f; x is the row axis of an array, y the column axis.",
    )
    page.table(
        ("study", "verdict", "claims that hold", "seconds"),
        [
            (
                Link(o.study.title, f"#{o.study.name}"),
                "skipped" if o.result.skipped else o.passed,
                o.summary,
                round(o.seconds, 1),
            )
            for o in run.outcomes
        ],
        f"{mode(run)} studies, {run.seconds:.0f} s: {run.command}",
    )
    page.paragraph(" · ".join(f"{name} {value}" for name, value in environment().items() if name in SHOWN))
    for outcome in run.outcomes:
        _add_study(page, outcome, folder, drawn)
    return page


def _add_study(page: Page, outcome: Outcome, folder: Path, drawn: Mapping[str, Png]) -> None:
    study, result = outcome.study, outcome.result
    page.section(study.title, study.question, anchor=study.name)
    if outcome.error:
        page.table(("verdict", "ended by an error"), [(False, outcome.reason)])
        with page.folded("Traceback"):
            page.preformatted(outcome.error)
        return
    if result.skipped:
        page.table(("skipped because",), [(result.skipped,)])
        return
    page.table(("verdict", "claim", "measured"), [_row(claim) for claim in result.claims])
    for picture in result.pictures:
        figure = drawn.get(picture.name, picture.figure)
        page.figure(figure, picture.alt, picture.note, folder / f"{picture.name}.png")
    for table in result.tables:
        long = len(table.rows) > FOLDED_ROWS
        with page.folded(f"Table: {table.name}, {len(table.rows)} rows") if long else nullcontext():
            page.table(table.columns, table.rows, table.note)


def _row(claim: Claim) -> tuple[bool, str, str]:
    return claim.holds, claim.statement, claim.measured


def _of_numpy(value: Any) -> object:
    """Return a NumPy number as one of Python's, for JSON."""
    return value.item()


def _plain(cell: object) -> object:
    """Return the cell as JSON can hold it: infinity and NaN as text."""
    return str(cell) if isinstance(cell, float) and not math.isfinite(cell) else cell


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
