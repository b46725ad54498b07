"""What the commands of nnbridge share: options, the console, progress, and errors as sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console

from nnbridge.processes import processes

if TYPE_CHECKING:
    from nnbridge.training import Observer, TrainingConfig

ABSENT = "Default: the data set's recipe."

DataDir = Annotated[
    Path | None,
    typer.Option(help="Where the files of all but digits are. Default: $PDEBRIDGE_DATA, the cache, a download."),
]
Epochs = Annotated[int | None, typer.Option(help=f"Passes over the training images. {ABSENT}", show_default=False)]
BatchSize = Annotated[int | None, typer.Option(help=f"Images in a step. {ABSENT}", show_default=False)]
Rate = Annotated[float | None, typer.Option("--lr", help=f"Learning rate. {ABSENT}", show_default=False)]
Device = Annotated[str | None, typer.Option(metavar="auto|cpu|cuda", help="Default: auto.", show_default=False)]
KernelChoice = Annotated[
    str | None,
    typer.Option(
        "--kernel", metavar="auto|cpu|cuda|torch", help="What computes the PDE. Default: auto.", show_default=False
    ),
]
Threads = Annotated[
    int | None, typer.Option(help="CPU threads of torch and the kernel. Default: 1.", show_default=False)
]


def given(**options: Any) -> dict[str, Any]:
    """Return the options that were given a value."""
    return {name: value for name, value in options.items() if value is not None}


def console(*, stderr: bool = False, of_each: bool = False) -> Console:
    """Return the console of a stream, which takes text as it is; a file or pipe gets room for the widest table.

    Of several processes only the first one's shows anything, unless it is for the output ``of_each``.
    """
    made = Console(stderr=stderr, highlight=False, markup=False, quiet=not (of_each or processes().first))
    if not made.is_terminal:
        made.width = 160
    return made


def stop(remedy: str) -> NoReturn:
    """End an interrupted command with what to do about it."""
    console(stderr=True).print(f"interrupted: {remedy}", soft_wrap=True)
    raise typer.Exit(130)


@contextmanager
def watching(config: TrainingConfig, name: str) -> Iterator[Sequence[Observer]]:
    """Show a progress bar on the error stream for one run."""
    from nnbridge.training.observers import progress_bar

    with progress_bar(config, f"{name}, seed {config.seed}", console(stderr=True)) as bar:
        yield [bar]


@contextmanager
def errors_for_users() -> Iterator[None]:
    """Show an error that the user can mend as one sentence, and a bug as a traceback."""
    try:
        from nnbridge.training import DivergenceError
    except ModuleNotFoundError as absent:
        console(stderr=True).print(
            f"error: training needs the package {absent.name}: pip install 'pdebridge[train]'", soft_wrap=True
        )
        raise typer.Exit(1) from None

    try:
        yield
    except (ValueError, FileNotFoundError, FileExistsError, DivergenceError) as error:
        of_each = not isinstance(error, DivergenceError)  # which all processes raise alike
        console(stderr=True, of_each=of_each).print(f"error: {error}", soft_wrap=True)
        raise typer.Exit(1) from None
