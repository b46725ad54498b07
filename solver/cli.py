"""The solver's command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(
    help="Solve the 2-D diffusion-advection equation H_t + (u H)_x + (v H)_y = Dx H_xx + Dy H_yy + f.",
    no_args_is_help=True,
    add_completion=False,
)
console = Console()


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the figure and the animation.")] = Path("report/solver"),
    cells: Annotated[int, typer.Option(help="Rows and columns of the grid.", min=16)] = 128,
    backend: Annotated[str, typer.Option(help="auto, numpy, cpu or cuda.")] = "auto",
) -> None:
    """Solve a hill that rotates and spreads, compare it with the exact solution, draw and animate it."""
    from solver.demo import write_demo

    with _errors_for_users():
        result = write_demo(out, cells=cells, backend=backend)
    console.print(result.solution, highlight=False)
    table = Table("quantity", "computed", "exact", title="After one rotation")
    table.add_row("largest value", f"{result.peak:.5f}", f"{result.exact_peak:.5f}")
    table.add_row("sum of H over its start", f"{result.mass_ratio:.15f}", "1")
    table.add_row("largest error", f"{result.error:.2e}", "0")
    console.print(table)
    for path in result.files:
        console.print(f"wrote {path}", soft_wrap=True)


@app.command()
def info() -> None:
    """Print versions, threads, backends and what is known of a GPU."""
    from solver.environment import describe

    table = Table("what", "found", title="pdebridge")
    for name, value in describe().items():
        table.add_row(name, value)
    console.print(table)


@app.command()
def index(
    folder: Annotated[Path, typer.Argument(help="Folder whose subfolders hold report.html files.")],
) -> None:
    """Write FOLDER/index.html, one page that opens every report below it."""
    from solver.report_index import write_index

    with _errors_for_users():
        console.print(f"open {write_index(folder)}", soft_wrap=True)


@contextmanager
def _errors_for_users() -> Iterator[None]:
    """Show an error that the user can mend as one sentence."""
    try:
        yield
    except ValueError as error:
        console.print(f"error: {error}", soft_wrap=True, highlight=False, markup=False)
        raise typer.Exit(1) from None
