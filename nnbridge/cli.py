"""The command line of nnbridge: train a network, evaluate a run, reproduce a published table.

What only training needs is imported inside the commands, so that ``--help`` answers without it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from nnbridge.processes import processes

if TYPE_CHECKING:
    from nnbridge.training import Metrics, Observer, TrainingConfig

app = typer.Typer(
    help="Train small networks in which a diffusion-advection equation is a layer.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
reproduce_app = typer.Typer(help="Reproduce a published table.", no_args_is_help=True)
app.add_typer(reproduce_app, name="reproduce")

_ABSENT = "Default: the data set's recipe."

Data = Annotated[str, typer.Option(metavar="digits|mnist|fashion-mnist", help="The images.")]
NAMES = "digits|mnist|fashion-mnist|cifar10|cifar100"
DataDir = Annotated[
    Path | None,
    typer.Option(help="Where the files of all but digits are. Default: $PDEBRIDGE_DATA, the cache, a download."),
]
Epochs = Annotated[int | None, typer.Option(help=f"Passes over the training images. {_ABSENT}", show_default=False)]
BatchSize = Annotated[int | None, typer.Option(help=f"Images in a step. {_ABSENT}", show_default=False)]
Rate = Annotated[float | None, typer.Option("--lr", help=f"Learning rate. {_ABSENT}", show_default=False)]
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


@app.command()
def train(
    data: Annotated[
        str | None,
        typer.Option(metavar=NAMES, help="The images. Default: digits.", show_default=False),
    ] = None,
    backbone: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="For planes of 28 x 28 convolution, residual or pde (default); else resnet32, resnet56, resnet-tiny, "
            "or one of these with -global.",
            show_default=False,
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Choices in YAML, such as configs/*.yaml; options are put over them."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Any choice: schedule=one-cycle, variant.steps=5, ema=0.999."),
    ] = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    lr: Rate = None,
    seed: Annotated[int | None, typer.Option(help="Of weights and order. Default: 0.", show_default=False)] = None,
    device: Device = None,
    kernel: KernelChoice = None,
    threads: Threads = None,
    data_dir: DataDir = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the run. Default: runs/DATA-BACKBONE-seedSEED.", show_default=False),
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN_DIR", help="Go on with this interrupted run, as it was configured.")
    ] = None,
) -> None:
    """Train one network and keep config, log, checkpoints and result in a folder.

    The recipe for mnist and fashion-mnist is the published one: 30 epochs, batches of 128, learning rate 0.01. For
    digits it is 30 epochs, batches of 32, learning rate 0.02; for cifar10 and cifar100 the published 300 epochs, which
    take days on a CPU: configs/ has short ones. Ctrl-C leaves a checkpoint to go on from.

    Several processes, or GPUs, share every batch with `torchrun --nproc-per-node 2 -m nnbridge train` in place of
    `python -m nnbridge train`.
    """
    with _errors_for_users():
        from nnbridge.training import RunFolder, TrainingConfig
        from nnbridge.training.config_files import read_choices, with_settings

        given = _given(
            data=data, backbone=backbone, epochs=epochs, batch_size=batch_size, learning_rate=lr, seed=seed,
            device=device, kernel=kernel, threads=threads,
        )  # fmt: skip
        if resume is None:
            given = with_settings((read_choices(config) if config else {}) | given, set_ or ())
            chosen = TrainingConfig.for_data(**({"data": "digits", "backbone": "pde"} | given))
            name = config.stem if config else f"{chosen.data}-{chosen.backbone}"
            folder = out or Path("runs") / f"{name}-seed{chosen.seed}"
        elif given or out or config or set_:
            names = ", ".join(sorted(given | _given(out=out, config=config, set=set_)))
            raise ValueError(f"`--resume` goes on with the choices of the run, so it excludes {names}")
        else:
            chosen, folder = RunFolder(resume).config(), resume
        _train(chosen, folder, data_dir, again=resume is not None)


@app.command()
def evaluate(
    run_dir: Annotated[
        Path, typer.Argument(metavar="RUN_DIR", help="Folder of a run, finished or not.", show_default=False)
    ],
    data_dir: DataDir = None,
) -> None:
    """Test the network of a run, as it was after its last complete epoch."""
    with _errors_for_users():
        from nnbridge import data as datasets
        from nnbridge.training import RunFolder, load_model
        from nnbridge.training.evaluation import accuracy, confusion_matrix, predict

        model = load_model(run_dir)
        dataset = datasets.load(RunFolder(run_dir).config().data, data_dir)
        test, classes = dataset.test, dataset.classes
        predicted = predict(model, test, datasets.Normalisation(dataset))
        console = _console()
        console.print(f"test accuracy {accuracy(predicted, test.labels, classes):.2f} % of {len(test):,} images")
        _print_confusions(console, confusion_matrix(predicted, test.labels, classes))


@reproduce_app.command("mnist")
def reproduce_mnist(
    seeds: Annotated[int, typer.Option(help="How many seeds: 0, 1, 2 and so on.")] = 3,
    data: Data = "mnist",
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    lr: Rate = None,
    device: Device = None,
    kernel: KernelChoice = None,
    threads: Threads = None,
    data_dir: DataDir = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the study. Default: runs/reproduce-DATA.", show_default=False)
    ] = None,
) -> None:
    """Train all three 522 to 524-parameter networks and put their numbers beside the published ones.

    Give the same command again to go on after an interruption: finished runs are not trained again. Writes
    results.csv, results.json, results.md, three figures and report.html, which shows all of them.
    """
    with _errors_for_users():
        import matplotlib as mpl

        from nnbridge import data as datasets
        from nnbridge import reproduce
        from nnbridge.reproduce import report, tables
        from nnbridge.training import TrainingConfig

        if processes().total > 1:
            raise ValueError("`reproduce` trains in a single process: start it with python -m nnbridge, not torchrun")
        given = _given(
            epochs=epochs, batch_size=batch_size, learning_rate=lr, device=device, kernel=kernel, threads=threads
        )
        template = TrainingConfig.for_data(data, backbone="pde", **given)
        configs = reproduce.configurations(template, seeds)
        folder = out or Path("runs") / f"reproduce-{data}"
        dataset = datasets.load(data, data_dir)
        try:
            runs = list(reproduce.execute(configs, dataset, folder, partial(_watching, of=configs)))
        except KeyboardInterrupt:
            _stop(f"give the same command again to go on; what is done is kept in {folder}")
        mpl.use("Agg")  # figures go to files: no window, no display
        summaries = reproduce.summarise(runs)
        page = report.write(summaries, runs, dataset, folder)
        console = _console()
        console.print(tables.terminal(summaries, data), tables.note(runs))
        console.print(f"report: {page}", soft_wrap=True)


def _train(config: TrainingConfig, folder: Path, data_dir: Path | None, *, again: bool) -> None:
    from nnbridge import data as datasets
    from nnbridge import training

    dataset = datasets.load(config.data, data_dir)
    try:
        with _watching(config) as observers:
            if again:
                metrics = training.resume(folder, dataset, observers=observers)
            else:
                metrics = training.train(config, dataset, folder, observers=observers)
    except KeyboardInterrupt:
        command = ["python", "-m", "nnbridge", "train", "--resume", str(folder)]
        command += ["--data-dir", str(data_dir)] if data_dir else []
        _stop(f"go on with: {shlex.join(command)}")
    _print_metrics(metrics, folder)


@contextmanager
def _watching(config: TrainingConfig, of: Sequence[TrainingConfig] = ()) -> Iterator[Sequence[Observer]]:
    """Show a progress bar on the error stream for one run, or for one ``of`` several."""
    from nnbridge.training.observers import progress_bar

    place = f"{of.index(config) + 1}/{len(of)} " if of else ""
    with progress_bar(config, f"{place}{config.backbone}, seed {config.seed}", _console(stderr=True)) as bar:
        yield [bar]


def _print_metrics(metrics: Metrics, folder: Path) -> None:
    console = _console()
    console.print(
        f"test accuracy {metrics.test_accuracy:.2f} % (best {metrics.best_accuracy:.2f} % after epoch "
        f"{metrics.best_epoch}), {metrics.parameters} parameters, {metrics.images_per_second:,.0f} images/s, "
        f"{metrics.seconds:.1f} s",
        soft_wrap=True,
    )
    console.print(f"run: {folder}", soft_wrap=True)


def _print_confusions(console: Console, matrix: list[list[int]]) -> None:
    table = Table(title="test images: rows are true classes, columns predicted ones", title_justify="left")
    table.add_column("")
    for label in range(len(matrix)):
        table.add_column(str(label), justify="right")
    for label, counts in enumerate(matrix):
        table.add_row(str(label), *map(str, counts))
    console.print(table)


def _given(**options: Any) -> dict[str, Any]:
    """Return the options that were given a value."""
    return {name: value for name, value in options.items() if value is not None}


def _console(*, stderr: bool = False, of_each: bool = False) -> Console:
    """Return the console of a stream, which takes text as it is; a file or pipe gets room for the widest table.

    Of several processes only the first one's shows anything, unless it is for the output ``of_each``.
    """
    console = Console(stderr=stderr, highlight=False, markup=False, quiet=not (of_each or processes().first))
    if not console.is_terminal:
        console.width = 120
    return console


def _stop(remedy: str) -> None:
    _console(stderr=True).print(f"interrupted: {remedy}", soft_wrap=True)
    raise typer.Exit(130)


@contextmanager
def _errors_for_users() -> Iterator[None]:
    """Show an error that the user can mend as one sentence, and a bug as a traceback."""
    try:
        from nnbridge.training import DivergenceError
    except ModuleNotFoundError as absent:
        _console(stderr=True).print(
            f"error: training needs the package {absent.name}: pip install 'pdebridge[train]'", soft_wrap=True
        )
        raise typer.Exit(1) from None

    try:
        yield
    except (ValueError, FileNotFoundError, FileExistsError, DivergenceError) as error:
        of_each = not isinstance(error, DivergenceError)  # which all processes raise alike
        _console(stderr=True, of_each=of_each).print(f"error: {error}", soft_wrap=True)
        raise typer.Exit(1) from None
