"""The command line: choose cases, measure, show, keep, compare."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks import peers, registry
from benchmarks.case import Case
from benchmarks.contest import Contest
from benchmarks.results import Row, write_csv, write_json
from benchmarks.tables import contest_table
from solver.environment import describe

app = typer.Typer(add_completion=False)
console = Console() if Console().is_terminal else Console(width=150)


@app.command()
def main(
    only: Annotated[str, typer.Option(help="Cases whose 'group: name' contains this, or matches it with * and ?.")] = "",
    rivals: Annotated[str, typer.Option("--peers", help="Only these, separated by commas.")] = "",
    rounds: Annotated[int, typer.Option(help="Timed calls of a contender in a case.", min=1)] = 15,
    budget: Annotated[float, typer.Option(help="Seconds after which a contender has had its rounds.")] = 10.0,
    list_cases: Annotated[bool, typer.Option("--list", help="Show the cases and stop.")] = False,
    csv_path: Annotated[Path | None, typer.Option("--csv", help="Write the rows here.")] = None,
    json_path: Annotated[Path | None, typer.Option("--json", help="Write rows, machine and settings here.")] = None,
) -> None:
    """Measure our kernels beside their peers: medians of interleaved calls, one process a contender."""
    chosen = registry.choose(only, figures=False)
    if not chosen:
        raise typer.BadParameter(f"no case matches {only!r}: see --list", param_hint="--only")
    allowed = _peers(rivals)
    if list_cases:
        console.print(_listing(chosen))
        return
    rows = _measure(chosen, allowed, rounds, budget)
    for _, found in groupby(rows, lambda row: row.group):
        console.print(contest_table(list(found)))
    if csv_path:
        write_csv(csv_path, rows)
    if json_path:
        write_json(json_path, {"machine": describe(), "rows": rows})


def _peers(given: str) -> tuple[str, ...]:
    """Return the names in a list, all of them for an empty one."""
    if not given:
        return tuple(peers.PEERS)
    names = tuple(name.strip() for name in given.split(","))
    for name in names:
        if name not in peers.PEERS:
            raise typer.BadParameter(f"{name!r} is no peer: there are {', '.join(peers.PEERS)}", param_hint="--peers")
    return names


def _measure(chosen: list[Case], allowed: tuple[str, ...], rounds: int, budget: float) -> list[Row]:
    rows: list[Row] = []
    with Contest(rounds, budget) as contest, Progress(console=console) as progress:
        task = progress.add_task("measuring", total=len(chosen))
        for case in chosen:
            progress.update(task, description=f"{case.group}: {case.name}")
            found = contest.measure(case, [c for c in case.contenders if c == peers.OURS or c in allowed])
            for row in found:
                if row.note:
                    console.print(f"{row.case}, {row.contender}: {row.status}: {row.note}", style="yellow")
            rows += found
            progress.advance(task)
    return rows


def _listing(chosen: list[Case]) -> Table:
    table = Table(title="Cases")
    for name in ("group", "case", "MB", "Mop", "contenders"):
        table.add_column(name, justify="right" if name in ("MB", "Mop") else "left")
    for case in chosen:
        size = "" if case.bytes is None else f"{case.bytes / 1e6:.1f}"
        work = "" if case.operations is None else f"{case.operations / 1e6:.0f}"
        table.add_row(case.group, case.name, size, work, ", ".join(case.contenders))
    return table
