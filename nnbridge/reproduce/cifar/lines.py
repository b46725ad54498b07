"""The lines of a study's table: costs and times of all rows, results of those that have runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import cast

import torch

from nnbridge.data import KINDS, Dataset
from nnbridge.models import ResNet
from nnbridge.models.cost import cost
from nnbridge.reproduce.cifar.rows import Study
from nnbridge.reproduce.cifar.table import Line
from nnbridge.reproduce.cifar.timing import inference_seconds
from nnbridge.reproduce.study import Diverged, Planned, Run, by_row
from nnbridge.training import load_model
from nnbridge.training.assembly import make_model
from nnbridge.training.machine import accelerator


def describe(
    study: Study, plan: Sequence[Planned], runs: Sequence[Run], dataset: Dataset, diverged: Sequence[Diverged] = ()
) -> list[Line]:
    """Return a line for each row; the time for the test images is measured now, with random weights where none are."""
    configs = {planned.row: planned.config for planned in plan}
    config, kind = plan[0].config, KINDS[study.data]
    device = torch.device(accelerator(config.device))
    models = {name: make_model(config) for name, config in configs.items()}
    example = torch.zeros(1, kind.colours, kind.size, kind.size)
    costs = {name: cost(model, example) for name, model in models.items()}
    done = by_row(runs)
    trained = {name: load_model(done[name][0].folder) if name in done else model for name, model in models.items()}
    seconds = inference_seconds({name: m.to(device) for name, m in trained.items()}, dataset, config.threads)
    lost = Counter(run.row for run in diverged)
    return [
        Line.of(row, costs[row.name], done.get(row.name, []), seconds[row.name], lost[row.name]) for row in study.rows
    ]


def networks_of(study: Study, runs: Sequence[Run]) -> dict[str, ResNet]:
    """Return a network of each row that has a run, of its first finished seed, by the row's label."""
    done = by_row(runs)
    found = {row.label: load_model(done[row.name][0].folder) for row in study.rows if row.name in done}
    return cast(dict[str, ResNet], {label: model.eval() for label, model in found.items()})
