"""The command ``python -m validation``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from validation.output import write_outputs
from validation.rendering import Renderer
from validation.running import Outcome, run_studies
from validation.studies import STUDIES
from validation.study import Study, Table

OUT = Path("report/validation")
SHOWN_ROWS = 12  # of a table, in the terminal; the rest is in the report
INTERRUPTED = 130  # exit code of a command that Ctrl-C has ended, by custom of the shell

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich")

HELP = "\n\n".join(
    (
        "Prove what the scheme does and show where it fails.",
        "Runs the studies below, prints what they found, and writes a report: report.html with all figures; each "
        "table as CSV, each figure as PNG; all results as results.json.",
        f"Exits with 0 if every claim holds, with 1 if a claim fails or a study raises, and with {INTERRUPTED} after "
        "Ctrl-C, which writes the report of what is done.",
        "\n".join(f"[bold]{study.name:<16}[/]{study.title}" for study in STUDIES),
    )
)


@app.command(help=HELP)
def validate(
    full: Annotated[
        bool,
        typer.Option("--full", help="More cases, finer grids, longer runs: minutes instead of seconds."),
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Run this study alone; may be repeated.", metavar="NAME", show_default="all studies"),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the report.", metavar="DIR")] = OUT,
) -> None:
    """Run the studies, print what they found, and write the report."""
    import matplotlib as mpl

    mpl.use("Agg")
    console = Console()
    with Renderer() as renderer:

        def received(outcome: Outcome) -> None:
            renderer.begin(outcome)
            show(outcome, console)

        run = run_studies(chosen(only), full, command(full, only, out), console, received)
        report = write_outputs(run, out, renderer.drawn())
    console.print(f"{run.verdict} {run.seconds:.0f} s. Report: {report}", highlight=False, soft_wrap=True)
    if not run.passed:
        raise typer.Exit(INTERRUPTED if run.missing else 1)


def command(full: bool, only: Sequence[str] | None, out: Path) -> str:
    """Return the command line that does the same again."""
    words = ["python", "-m", "validation"]
    words += ["--full"] if full else []
    words += [word for name in only or () for word in ("--only", name)]
    words += ["--out", out.as_posix()] if out != OUT else []
    return shlex.join(words)


def chosen(names: Sequence[str] | None) -> list[Study]:
    """Return the studies called ``names``, in the order of the report; all of them for none."""
    known = [study.name for study in STUDIES]
    for name in names or ():
        if name not in known:
            raise typer.BadParameter(f"{name!r} is not a study; the studies are {', '.join(known)}")
    return [study for study in STUDIES if not names or study.name in names]


def show(outcome: Outcome, console: Console) -> None:
    """Print the claims and the tables of one study."""
    study, result = outcome.study, outcome.result
    console.rule(f"{study.title} ({study.name}, {outcome.seconds:.1f} s)", align="left")
    if outcome.error:
        console.print(outcome.error, style="red", highlight=False, markup=False, soft_wrap=True)
    if result.skipped:
        console.print(f"skipped: {result.skipped}", highlight=False, markup=False)
    for claim in result.claims:
        verdict = ("pass", "green") if claim.holds else ("FAIL", "bold red")
        console.print(Text.assemble(verdict, f"  {claim.statement}: ", (claim.measured, "bold")), soft_wrap=True)
    for table in result.tables:
        if len(table.rows) <= SHOWN_ROWS:
            console.print(_as_grid(table))
        else:
            console.print(f"{table.name}.csv: {len(table.rows)} rows", style="dim", highlight=False)


def _as_grid(table: Table) -> Grid:
    grid = Grid(*table.columns, box=None, header_style="dim", caption=table.note or None)
    for row in table.rows:
        grid.add_row(*(f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in row))
    return grid
