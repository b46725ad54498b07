"""The tables on the screen: one a group of cases, a line a contender."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

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
    "training": "Training steps",
    "over K": "Small planes, time over K",
    "over size": "One grid, rate over size",
}
COLUMNS = (
    *("case", "contender", "ms", "best", "over ours", "M/s", "GB/s", "% copy", "% triad", "Gop/s"),
    *("error", "compile s"),
)


def contest_table(rows: Sequence[Row]) -> Table:
    """Return the table of one group; "over ours" is a contender's time over ours in the same rounds."""
    table = Table(title=TITLES.get(rows[0].group, rows[0].group))
    for n, name in enumerate(COLUMNS):
        table.add_column(name, justify="left" if n < 2 else "right", no_wrap=True)
    for case, found in groupby(rows, lambda row: row.case):
        lines = list(found)
        ours = next((row.seconds for row in lines if row.contender == OURS and row.status == MEASURED), None)
        for n, row in enumerate(lines):
            table.add_row("" if n else case, row.contender, *_cells(row, ours), end_section=n == len(lines) - 1)
    return table


def _cells(row: Row, ours: float | None) -> tuple[str, ...]:
    if row.status != MEASURED:
        return (row.status,) + ("",) * (len(COLUMNS) - 3)
    shares = [None, None, None] if row.bandwidth is None else [row.bandwidth / rate for rate in _yardsticks(row)]
    return (
        f"{1e3 * row.seconds:.4g}",
        f"{1e3 * row.best:.4g}",
        f"{row.seconds / ours:.2f}" if ours else "",
        f"{row.rate / 1e6:.4g}",
        *("" if value is None else f"{value:.3g}" for value in shares),
        f"{row.operations / row.seconds / 1e9:.3g}" if row.operations else "",
        f"{row.error:.1e}",
        f"{row.compiling:.2g}",
    )


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
