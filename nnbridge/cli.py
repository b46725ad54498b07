"""The command line of nnbridge: networks and their cost, train, evaluate a run, predict, reproduce a published table.

What only training needs is imported inside the commands, so that ``--help`` answers without it.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nnbridge import cli_evaluate, cli_reproduce
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
from nnbridge.freed_memory import keep_freed_memory

if TYPE_CHECKING:
    from nnbridge.training import Metrics, TrainingConfig

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)

NAMES = "digits|mnist|fashion-mnist|cifar10|cifar100"


@app.callback()
def begin() -> None:
    """Train small networks in which a diffusion-advection equation is a layer."""
    keep_freed_memory()


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
    with errors_for_users():
        from nnbridge.training import RunFolder, TrainingConfig
        from nnbridge.training.config_files import read_choices, with_settings

        choices = given(
            data=data, backbone=backbone, epochs=epochs, batch_size=batch_size, learning_rate=lr, seed=seed,
            device=device, kernel=kernel, threads=threads,
        )  # fmt: skip
        if resume is None:
            choices = with_settings((read_choices(config) if config else {}) | choices, set_ or ())
            chosen = TrainingConfig.for_data(**({"data": "digits", "backbone": "pde"} | choices))
            name = config.stem if config else f"{chosen.data}-{chosen.backbone}"
            folder = out or Path("runs") / f"{name}-seed{chosen.seed}"
        elif choices or out or config or set_:
            names = ", ".join(sorted(choices | given(out=out, config=config, set=set_)))
            raise ValueError(f"`--resume` goes on with the choices of the run, so it excludes {names}")
        else:
            chosen, folder = RunFolder(resume).config(), resume
        _train(chosen, folder, data_dir, again=resume is not None)


app.command("evaluate")(cli_evaluate.evaluate)
app.command("predict")(cli_evaluate.predict_pictures)
app.command("models")(cli_evaluate.list_models)
app.add_typer(cli_reproduce.app, name="reproduce")


def _train(config: TrainingConfig, folder: Path, data_dir: Path | None, *, again: bool) -> None:
    from nnbridge import data as datasets
    from nnbridge import training

    dataset = datasets.load(config.data, data_dir)
    _print_cost(config)
    try:
        with watching(config, config.backbone) as observers:
            if again:
                metrics = training.resume(folder, dataset, observers=observers)
            else:
                metrics = training.train(config, dataset, folder, observers=observers)
    except KeyboardInterrupt:
        command = ["python", "-m", "nnbridge", "train", "--resume", str(folder)]
        command += ["--data-dir", str(data_dir)] if data_dir else []
        stop(f"go on with: {shlex.join(command)}")
    _print_metrics(metrics, folder)


def _print_cost(config: TrainingConfig) -> None:
    import torch

    from nnbridge import data as datasets
    from nnbridge import presenting
    from nnbridge.models.cost import cost
    from nnbridge.training.assembly import make_model

    kind = datasets.KINDS[config.data]
    found = cost(make_model(config), torch.zeros(1, kind.colours, kind.size, kind.size))
    console().print(presenting.cost_line(config.model, found), soft_wrap=True)


def _print_metrics(metrics: Metrics, folder: Path) -> None:
    screen = console()
    screen.print(
        f"test accuracy {metrics.test_accuracy:.2f} % (best {metrics.best_accuracy:.2f} % after epoch "
        f"{metrics.best_epoch}), {metrics.parameters} parameters, {metrics.images_per_second:,.0f} images/s, "
        f"{metrics.seconds:.1f} s",
        soft_wrap=True,
    )
    screen.print(f"run: {folder}", soft_wrap=True)
