"""The commands ``nnbridge reproduce ...``: one for each published table, and one for the pictures of fields.

What only training needs is imported inside the commands, so that ``--help`` answers without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnbridge.cli_common import (
    BatchSize,
    DataDir,
    Device,
    Epochs,
    KernelChoice,
    Rate,
    Threads,
    console,
    errors_for_users,
    given,
    stop,
    watching,
)
from nnbridge.processes import processes

if TYPE_CHECKING:
    from nnbridge.data import Dataset
    from nnbridge.reproduce import Diverged, Planned, Run
    from nnbridge.training import Observer

app = typer.Typer(help="Reproduce a published table, or the pictures of learned fields.", no_args_is_help=True)

Data = Annotated[str, typer.Option(metavar="digits|mnist|fashion-mnist", help="The images.")]
Seeds = Annotated[int, typer.Option(help="How many seeds: 0, 1, 2 and so on.")]
Recipe = Annotated[
    str,
    typer.Option(
        metavar="short|published",
        help="short: 15 epochs of one cycle, under an hour a row on two cores. published: 300 epochs.",
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Any choice of the training: epochs=30, precision=bfloat16."),
]
Images = Annotated[
    list[int] | None,
    typer.Option("--image", metavar="N", help="Test image to show; more by giving it again. Default: 0 1 2."),
]
RecipeThreads = Annotated[
    int | None, typer.Option("--threads", help="CPU threads. Default: the recipe's, 2 and 1.", show_default=False)
]
Finished = Annotated[
    bool, typer.Option("--finished-only", help="Train nothing: table and figures of the runs that are finished.")
]


@app.command("mnist")
def reproduce_mnist(
    seeds: Seeds = 3,
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
    with errors_for_users():
        import matplotlib as mpl

        from nnbridge import data as datasets
        from nnbridge.reproduce import mnist
        from nnbridge.reproduce.mnist import report, tables
        from nnbridge.training import TrainingConfig

        choices = given(
            epochs=epochs, batch_size=batch_size, learning_rate=lr, device=device, kernel=kernel, threads=threads
        )
        plan = mnist.plan(TrainingConfig.for_data(data, backbone="pde", **choices), seeds)
        folder = out or Path("runs") / f"reproduce-{data}"
        dataset = datasets.load(data, data_dir)
        runs, diverged = _train(plan, dataset, folder)
        _tell(diverged)
        mpl.use("Agg")  # figures go to files: no window, no display
        summaries = mnist.summarise(runs)
        page = report.write(summaries, runs, dataset, folder)
        console().print(tables.terminal(summaries, data), tables.note(runs))
        console().print(f"report: {page}", soft_wrap=True)


def _add_study(name: str, what: str) -> None:
    """Add the command of one of the studies on CIFAR."""

    def command(
        seeds: Seeds = 1,
        recipe: Recipe = "short",
        set_: Settings = None,
        device: Device = None,
        threads: RecipeThreads = None,
        image: Images = None,
        finished_only: Finished = False,
        data_dir: DataDir = None,
        out: Annotated[
            Path | None,
            typer.Option(help="Folder of the runs. Default: runs/reproduce-DATA-RECIPE.", show_default=False),
        ] = None,
    ) -> None:
        with errors_for_users():
            choices = given(device=device, threads=threads)
            _reproduce(name, seeds, recipe, choices, set_ or (), image or (0, 1, 2), finished_only, data_dir, out)

    app.command(
        name,
        help=f"{what}\n\nGive the same command again to go on after an interruption: finished runs are not trained "
        "again, and tables of one data set share them. Writes results.csv, results.json, results.md, figures and "
        f"report.html, which shows all of them, into OUT/{name}.",
    )(command)


_add_study("cifar10", "ResNet32 against ResNet-Global on CIFAR-10: accuracy, parameters, MACs, depth, inference time.")
_add_study("ablation", "What each part of the equation is worth, on CIFAR-10: five rows, and two without the layer.")
_add_study("cifar100", "ResNet32 against ResNet-Global on CIFAR-100.")
_add_study("tiny", "The networks of 14 and 16 thousand parameters, on CIFAR-100.")


@app.command("fields")
def reproduce_fields(
    run_dir: Annotated[
        Path, typer.Argument(metavar="RUN_DIR", help="Folder of a run of a network with Global layers.")
    ],
    image: Images = None,
    channel: Annotated[
        int | None, typer.Option(help="Show one channel. Default: the mean over all.", show_default=False)
    ] = None,
    steps: Annotated[int, typer.Option(min=0, help="Of the animation, from the fields that the network makes.")] = 20,
    data_dir: DataDir = None,
    out: Annotated[Path | None, typer.Option(help="Default: RUN_DIR/fields.", show_default=False)] = None,
) -> None:
    """Draw Dx, Dy, the velocities and their derivatives of every Global layer, and animate H[k] over k.

    One page for each test image: fields-N.png and evolution-N.gif; report.html holds them all.
    """
    with errors_for_users():
        import matplotlib as mpl

        from nnbridge import data as datasets
        from nnbridge.reproduce.cifar import report
        from nnbridge.training import RunFolder, load_model

        model = load_model(run_dir)
        dataset = datasets.load(RunFolder(run_dir).config().data, data_dir)
        mpl.use("Agg")
        page = report.write_fields(model, dataset, image or (0, 1, 2), steps, channel, out or run_dir / "fields")
        console().print(f"report: {page}", soft_wrap=True)


def _reproduce(
    name: str,
    seeds: int,
    recipe: str,
    choices: dict[str, Any],
    settings: Sequence[str],
    images: Sequence[int],
    finished_only: bool,
    data_dir: Path | None,
    out: Path | None,
) -> None:
    import matplotlib as mpl

    from nnbridge import data as datasets
    from nnbridge.reproduce.cifar import STUDIES, plan, report, table
    from nnbridge.reproduce.cifar.lines import describe, networks_of
    from nnbridge.reproduce.cifar.pictures import check_images
    from nnbridge.training.config_files import with_settings

    study = STUDIES[name]
    planned = plan(study, recipe, seeds, with_settings(choices, settings))
    folder = out or Path("runs") / f"reproduce-{study.data}-{recipe}"
    dataset = datasets.load(study.data, data_dir)
    check_images(dataset, images)
    wanted = [one for one in planned if one.folder(folder).finished] if finished_only else planned
    runs, diverged = _train(wanted, dataset, folder)
    mpl.use("Agg")  # figures go to files: no window, no display
    console(stderr=True).print("timing the networks on the test images, in turns")
    lines = describe(study, planned, runs, dataset, diverged)
    said = table.note(lines, recipe, planned[0].config)
    page = report.write(study, lines, runs, networks_of(study, runs), dataset, said, images, folder / name)
    console().print(table.terminal(study, lines), said)
    console().print(f"report: {page}", soft_wrap=True)
    _tell(diverged)


def _train(plan: Sequence[Planned], dataset: Dataset, folder: Path) -> tuple[list[Run], list[Diverged]]:
    """Return all runs of a plan, trained where they are not yet; an interruption ends the command."""
    from nnbridge.reproduce import Run, execute

    if processes().total > 1:
        raise ValueError("`reproduce` trains in a single process: start it with python -m nnbridge, not torchrun")

    def watch(one: Planned) -> AbstractContextManager[Sequence[Observer]]:
        return watching(one.config, f"{plan.index(one) + 1}/{len(plan)} {one.row}")

    try:
        found = list(execute(plan, dataset, folder, watch))
    except KeyboardInterrupt:
        stop(f"give the same command again to go on; what is done is kept in {folder}")
    runs = [one for one in found if isinstance(one, Run)]
    return runs, [one for one in found if not isinstance(one, Run)]


def _tell(diverged: Sequence[Diverged]) -> None:
    """Say which runs diverged, and why; the command then ends with an error."""
    for run in diverged:
        console(stderr=True).print(f"diverged: {run.row}, seed {run.config.seed}: {run.reason}", soft_wrap=True)
    if diverged:
        raise typer.Exit(1)
