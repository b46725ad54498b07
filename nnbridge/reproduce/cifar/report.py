"""Everything that a study on CIFAR leaves behind: tables, figures, and one page that holds both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nnbridge.data import Dataset
from nnbridge.data.classes import class_names
from nnbridge.models import ResNet
from nnbridge.reproduce import figures
from nnbridge.reproduce.cifar import table
from nnbridge.reproduce.cifar.activations import activation_maps
from nnbridge.reproduce.cifar.animation import animate
from nnbridge.reproduce.cifar.fields import fields_page
from nnbridge.reproduce.cifar.pictures import check_images
from nnbridge.reproduce.cifar.rows import Study
from nnbridge.reproduce.cifar.table import Line
from nnbridge.reproduce.study import Run, by_row
from nnbridge.training import TrainingConfig
from solver.report import Page

if TYPE_CHECKING:
    from torch import nn


def write(
    study: Study,
    lines: Sequence[Line],
    runs: Sequence[Run],
    networks: Mapping[str, ResNet],
    dataset: Dataset,
    said: str,
    images: Sequence[int],
    out: Path,
) -> Path:
    """Write tables and figures of the finished ``runs`` into ``out`` and return the page ``out/report.html``.

    ``networks`` are one of each row that has a run, by its label; their activations are shown for the test ``images``.
    ``said`` is the note below the table.
    """
    check_images(dataset, images)
    out.mkdir(parents=True, exist_ok=True)
    table.write(study, lines, runs, said, out)
    page = Page(f"{study.title}, {study.data}", "ResNet-Global beside the network that it condenses")
    page.section("Result")
    page.table(*table.columns_and_rows(lines), said)
    if not runs:
        return page.write(out / "report.html")
    page.section("Recipe", _recipe(runs, dataset))
    labels = {line.row.name: line.row.label for line in lines}
    labelled = [replace(run, row=labels[run.row]) for run in runs]
    names = class_names(study.data)
    page.section("Learning curves")
    page.figure(
        figures.learning_curves(labelled),
        "Training loss and test accuracy by epoch",
        f"Lines are means over the seeds, bands reach from the worst seed to the best. {_counts(labelled)}",
        out / "learning-curves.png",
    )
    page.section("Confusion matrices")
    page.figure(
        figures.confusion_matrices(labelled, names),
        "Confusion matrices of the networks",
        "Rows are true classes, columns predicted ones. Errors are coloured; counts are means over the seeds. "
        f"{_counts(labelled)}",
        out / "confusion-matrices.png",
    )
    page.section("Activation maps")
    for index in images:
        label = names[int(dataset.test.labels[index])]
        page.figure(
            activation_maps(networks, dataset, index, label),
            f"Activations for test image {index}",
            f"Test image {index}, {label}. The networks are those of the first seed that is finished.",
            out / f"activation-maps-{index}.png",
        )
    return page.write(out / "report.html")


def _counts(runs: Sequence[Run]) -> str:
    """Say how many seeds each row has."""
    return f"Seeds: {', '.join(f'{row} {len(own)}' for row, own in by_row(runs).items())}."


def _recipe(runs: Sequence[Run], dataset: Dataset) -> str:
    """Say how the runs were trained; what differs between rows is given for each."""
    first = runs[0].config
    same = (
        f"Stochastic gradient descent, learning rate {first.learning_rate:g} ({first.schedule}), Nesterov momentum "
        f"{first.momentum:g}, gradient norm clipped at {first.clip_norm:g}, {first.epochs} epochs, "
        f"{len(dataset.train):,} training and {len(dataset.test):,} test images; pixels normalised by "
        f"{dataset.normalised_by}; random crops from {first.crop} cells of padding"
        f"{', horizontal flips' if first.flip else ''}{f', cutout of {first.cutout}' if first.cutout else ''}. "
    )
    by_choice: dict[str, list[str]] = {}
    for run in runs:
        names = by_choice.setdefault(_differing(run.config), [])
        if run.row not in names:
            names.append(run.row)
    parts = [choice if len(by_choice) == 1 else f"{', '.join(rows)}: {choice}" for choice, rows in by_choice.items()]
    return same + "; ".join(parts) + "."


def _differing(config: TrainingConfig) -> str:
    return f"batches of {config.batch_size}, weight decay {config.weight_decay:g}"


def write_fields(
    model: nn.Module, dataset: Dataset, images: Sequence[int], steps: int, channel: int | None, out: Path
) -> Path:
    """Write the fields and the animation of each test image into ``out`` and return the page ``out/report.html``."""
    check_images(dataset, images)
    out.mkdir(parents=True, exist_ok=True)
    names = class_names(dataset.name)
    page = Page(
        "What the Global layers learned", "Coefficient fields, and the equation's course, for single test images"
    )
    for index in images:
        label = names[int(dataset.test.labels[index])]
        gif = animate(model, dataset, index, label, out / f"evolution-{index}.gif", steps)
        page.section(
            f"Test image {index}: {label}",
            f'H[k] over k is in <a href="{gif.name}">{gif.name}</a>: the fields are those of the image, and go on for '
            f"{steps} steps, whatever the network was trained with.",
        )
        page.figure(
            fields_page(model, dataset, index, label, channel),
            f"Fields for test image {index}",
            "u carries features down (to larger rows), v to the right.",
            out / f"fields-{index}.png",
        )
    return page.write(out / "report.html")
