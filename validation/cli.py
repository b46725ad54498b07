"""The command ``python -m validation``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table as Grid

from validation.output import Outcome, write_outputs
from validation.studies import STUDIES
from validation.study import Study, Table

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def validate(
    out: Annotated[Path, typer.Option(help="Folder for the report, figures, CSV and JSON.")] = Path(
        "report/validation"
    ),
    only: Annotated[
        list[str] | None,
        typer.Option(help=f"Run this study alone; may be repeated. One of {', '.join(s.name for s in STUDIES)}."),
    ] = None,
) -> None:
    """Run the studies, print what they found, and write the report; exit with 1 if a claim fails."""
    import matplotlib as mpl

    mpl.use("Agg")
    console = Console()
    outcomes = run_studies(chosen(only), console)
    for outcome in outcomes:
        show(outcome, console)
    report = write_outputs(outcomes, out)
    claims = [claim for outcome in outcomes for claim in outcome.result.claims]
    failed = [claim for claim in claims if not claim.holds]
    verdict = f"{len(claims) - len(failed)} of {len(claims)} claims hold."
    console.print(f"{verdict} Report: {report}", highlight=False, soft_wrap=True)
    if failed:
        raise typer.Exit(1)


def chosen(names: Sequence[str] | None) -> list[Study]:
    """Return the studies called ``names``, in the order of the report; all of them for none."""
    known = [study.name for study in STUDIES]
    for name in names or ():
        if name not in known:
            raise typer.BadParameter(f"{name!r} is not a study; the studies are {', '.join(known)}")
    return [study for study in STUDIES if not names or study.name in names]


def run_studies(studies: Sequence[Study], console: Console) -> list[Outcome]:
    """Run the studies one by one, with progress."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    outcomes = []
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("")
        for number, study in enumerate(studies, 1):
            progress.update(task, description=f"{number} of {len(studies)}: {study.title}")
            begin = perf_counter()
            result = study.run()
            outcomes.append(Outcome(study, result, perf_counter() - begin))
    return outcomes


def show(outcome: Outcome, console: Console) -> None:
    """Print the claims and the tables of one study."""
    result = outcome.result
    console.rule(f"{outcome.study.title} ({outcome.study.name}, {outcome.seconds:.1f} s)", align="left")
    if result.skipped:
        console.print(f"skipped: {result.skipped}")
    for claim in result.claims:
        verdict = "[green]pass[/]" if claim.holds else "[bold red]FAIL[/]"
        console.print(f"{verdict}  {claim.statement}: [bold]{claim.measured}[/]", highlight=False)
    for table in result.tables:
        console.print(_as_grid(table))


def _as_grid(table: Table) -> Grid:
    grid = Grid(*table.columns, box=None, header_style="dim", caption=table.note or None)
    for row in table.rows:
        grid.add_row(*(f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in row))
    return grid
