"""The tables on the screen: one a group of cases, a line a contender."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby, zip_longest

from rich.table import Table

from benchmarks.case import Case
from benchmarks.compare import Change
from benchmarks.peers import OURS
from benchmarks.results import MEASURED, Row

TITLES = {
    "layer": "Small planes (planes x rows x columns), float32",
    "grid": "One grid, coefficients per cell unless said",
    "boundaries": "One grid, other boundaries and coefficients",
    "solve": "The whole solve against its bare kernel",
    "training": "Training steps, batches of 128",
    "networks": "Whole networks for CIFAR: ours is ResNet-Global, torch its twin in plain torch",
    "evaluation": "A Global layer in evaluation (images x channels x rows x columns), float32",
    "over K": "Small planes, time over K",
    "over size": "One grid, rate over size",
}
IMAGES = ("training", "networks", "evaluation")  # groups whose updates are images, not cells
SHARES = ("GB/s", "% copy", "% triad")


def contest_table(rows: Sequence[Row]) -> Table:
    """Return the table of one group; "over ours" is a contender's time over ours in the same rounds."""
    lines = []
    for case, found in groupby(rows, lambda row: row.case):
        contenders = list(found)
        ours = next((r.seconds for r in contenders if r.contender == OURS and r.status == MEASURED), None)
        for n, row in enumerate(contenders):
            lines.append({"case": "" if n else case, "contender": row.contender} | _cells(row, ours))
    names = list(dict.fromkeys(name for line in lines for name, text in line.items() if text))
    table = Table(title=TITLES.get(rows[0].group, rows[0].group))
    for n, name in enumerate(names):
        table.add_column(name, justify="left" if n < 2 else "right", no_wrap=True)
    for line, following in zip_longest(lines, lines[1:]):
        last_of_its_case = following is None or bool(following["case"])
        table.add_row(*(line.get(name, "") for name in names), end_section=last_of_its_case)
    return table


def _cells(row: Row, ours: float | None) -> dict[str, str]:
    """Return what is known of a row, by heading."""
    if row.status != MEASURED:
        return {"ms": row.status}
    shares = [None, None, None] if row.bandwidth is None else [row.bandwidth / rate for rate in _yardsticks(row)]
    images = row.group in IMAGES
    return {
        "ms": f"{1e3 * row.seconds:.4g}",
        "best": f"{1e3 * row.best:.4g}",
        "rounds": str(row.rounds),
        "over ours": f"{row.seconds / ours:.2f}" if ours else "",
        "images/s" if images else "Mcell/s": f"{row.rate:.0f}" if images else f"{row.rate / 1e6:.4g}",
        **{name: "" if value is None else f"{value:.3g}" for name, value in zip(SHARES, shares, strict=True)},
        "Gop/s": f"{row.operations / row.seconds / 1e9:.3g}" if row.operations else "",
        "error": "" if row.error is None else f"{row.error:.1e}",
        "compile s": f"{row.compiling:.2g}",
    }


def _yardsticks(row: Row) -> tuple[float, float, float]:
    """Return a GB/s, and one per cent of the copy and of the triad."""
    return 1e9, row.copy / 100, row.triad / 100


def record_table(title: str, records: Sequence[Mapping[str, str]]) -> Table:
    """Return a table of records that share their names."""
    table = Table(title=title)
    for n, name in enumerate(records[0]):
        table.add_column(name, justify="right" if n else "left", no_wrap=True)
    for record in records:
        table.add_row(*record.values())
    return table


def change_table(changes: Sequence[Change]) -> Table:
    """Return what `--compare` found."""
    table = Table(title="Our speed over the earlier one, both relative to the same yardsticks")
    for name in ("group", "case", "speed", "verdict", "yardsticks"):
        table.add_column(name, justify="right" if name == "speed" else "left")
    for change in changes:
        verdict = "[red]LOSS[/]" if change.lost else "kept"
        table.add_row(change.group, change.case, f"{change.speed:.2f}", verdict, ", ".join(change.yardsticks))
    return table


def listing(cases: Sequence[Case], apart: Sequence[str]) -> Table:
    """Return every case with its bytes and operations, and the tables that are measured apart."""
    table = Table(title="Cases")
    for name in ("group", "case", "MB", "Mop", "contenders"):
        table.add_column(name, justify="right" if name in ("MB", "Mop") else "left")
    for case in cases:
        size = "" if case.bytes is None else f"{case.bytes / 1e6:.1f}"
        work = "" if case.operations is None else f"{case.operations / 1e6:.0f}"
        table.add_row(case.group, case.name, size, work, ", ".join(case.contenders))
    for name in apart:
        table.add_row(name, "a table of its own")
    return table
