"""The tables on the screen: one a group of cases, a line a contender."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from rich.table import Table

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
    shares = (row.bandwidth and row.bandwidth / 1e9, row.of_copy and 100 * row.of_copy, row.of_triad and 100 * row.of_triad)
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


def record_table(title: str, records: Sequence[Mapping[str, str]]) -> Table:
    """Return a table of records that share their names."""
    table = Table(title=title)
    for n, name in enumerate(records[0]):
        table.add_column(name, justify="right" if n else "left", no_wrap=True)
    for record in records:
        table.add_row(*record.values())
    return table
