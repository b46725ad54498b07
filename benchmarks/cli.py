"""The command line: choose cases, measure, show, keep, compare."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from benchmarks import figures, peers, registry, tables
from benchmarks.case import Case
from benchmarks.compare import Change, compare
from benchmarks.contest import Contest
from benchmarks.load import NOTICEABLE
from benchmarks.registry import FULL, QUICK
from benchmarks.results import Row, read_csv, write_csv, write_json
from benchmarks.settings import empty_caches, machine

app = typer.Typer(add_completion=False)
console = Console() if Console().is_terminal else Console(width=150)


@app.command()
def main(
    only: Annotated[str, typer.Option(help="What 'group: name' contains, or matches with * and ?; a|b: either.")] = "",
    quick: Annotated[bool, typer.Option("--quick", help="The main rows, main peers and fewer rounds.")] = False,
    rivals: Annotated[str, typer.Option("--peers", help="Only these, separated by commas.")] = "",
    rounds: Annotated[
        int | None,
        typer.Option(
            help=f"Timed calls of a contender in a case. [default: {FULL.rounds}, quick {QUICK.rounds}]", min=1
        ),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            help="Seconds after which a contender has had its rounds in a case, the first call apart. "
            f"[default: {FULL.budget:g}, quick {QUICK.budget:g}]",
            min=0.001,
        ),
    ] = None,
    cold: Annotated[bool, typer.Option("--cold", help="Let every contender compile anew.")] = False,
    list_cases: Annotated[bool, typer.Option("--list", help="Show the cases and stop.")] = False,
    csv_path: Annotated[Path | None, typer.Option("--csv", help="Write the rows here, the machine beside.")] = None,
    json_path: Annotated[Path | None, typer.Option("--json", help="Write rows, tables and machine here.")] = None,
    folder: Annotated[Path | None, typer.Option("--figures", help="Measure what they need, draw them here.")] = None,
    before: Annotated[
        Path | None,
        typer.Option("--compare", exists=True, dir_okay=False, help="An earlier --csv: exit code 1 at a loss."),
    ] = None,
) -> None:
    """Measure our kernels beside their peers: medians of interleaved calls, one process a contender."""
    preset = QUICK if quick else FULL
    allowed = _peers(rivals) or preset.peers
    earlier = read_csv(before) if before else []
    chosen, apart = registry.choose(only, folder is not None, preset.main_rows_only), registry.choose_tables(only)
    if not chosen and not apart:
        raise typer.BadParameter(f"nothing matches {only!r}: see --list", param_hint="--only")
    if list_cases:
        console.print(tables.listing(registry.choose(only, not quick, preset.main_rows_only), apart))
        return
    rows: list[Row] = []
    for found in _measure(chosen, allowed, rounds or preset.rounds, budget or preset.budget, cold):
        rows += found
        if csv_path:
            write_csv(csv_path, rows)  # after every case: a run of an hour may be broken off
            write_json(csv_path.with_suffix(".machine.json"), machine())
    for _, group in groupby(rows, lambda row: row.group):
        console.print(tables.contest_table(list(group)))
    records = {name: _measure_apart(name) for name in apart}
    if json_path:
        write_json(json_path, {"machine": machine(), "rows": rows, **records})
    if folder:
        for path in figures.draw(folder, rows):
            console.print(f"drawn: {path}")
    if before:
        _report_changes(compare(rows, earlier))


def _peers(given: str) -> tuple[str, ...]:
    """Return the names in a list, each of which must be known."""
    names = tuple(name.strip() for name in given.split(",") if name.strip())
    for name in names:
        if name not in peers.PEERS:
            raise typer.BadParameter(f"{name!r} is no peer: there are {', '.join(peers.PEERS)}", param_hint="--peers")
    return names


def _measure(
    chosen: Sequence[Case], allowed: Sequence[str], rounds: int, budget: float, cold: bool
) -> Iterator[list[Row]]:
    """Measure the cases one after the other; say at once what is absent or failed."""
    if not chosen:
        return
    with (
        tempfile.TemporaryDirectory() as empty,
        Contest(rounds, budget, empty_caches(Path(empty)) if cold else {}) as contest,
        Progress(console=console) as progress,
    ):
        task = progress.add_task("measuring", total=len(chosen))
        for case in chosen:
            progress.update(task, description=f"{case.group}: {case.name}")
            found = contest.measure(case, [c for c in case.contenders if c == peers.OURS or c in allowed])
            for row in found:
                if row.note:
                    progress.console.print(f"{row.case}, {row.contender}: {row.status}: {row.note}", style="yellow")
            others = max((row.others or 0.0 for row in found), default=0.0)
            if others > NOTICEABLE:
                text = f"{case.name}: other programs used {others:.0%} of all cores: no fair contest"
                progress.console.print(text, style="yellow")
            progress.advance(task)
            yield found


def _measure_apart(name: str) -> list[dict[str, str]]:
    title, measure = registry.TABLES[name]
    with console.status(f"measuring {name}"):
        records = measure()
    console.print(tables.record_table(title, records))
    return records


def _report_changes(changes: Sequence[Change]) -> None:
    """Show each change; exit code 1 at a loss, or where nothing could be compared."""
    if not changes:
        console.print("nothing to compare: the earlier file shares no case with this run", style="red")
        raise typer.Exit(1)
    console.print(tables.change_table(changes))
    lost = sum(change.lost for change in changes)
    if lost:
        console.print(f"{lost} of {len(changes)} cases lost more than 10 %", style="red")
        raise typer.Exit(1)
