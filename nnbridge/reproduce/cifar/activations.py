"""Activation maps: how strongly the stages of each network respond where in an image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from matplotlib import pyplot as plt
from torch import nn

from nnbridge.data import Dataset
from nnbridge.models import ResNet
from nnbridge.reproduce.cifar.pictures import normalised, picture, shared_scale, show_plane
from nnbridge.training.looking import outputs_of_parts
from solver.plotting import house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def activation_maps(models: Mapping[str, ResNet], dataset: Dataset, index: int, label: str) -> Figure:
    """Draw the mean over channels of what the stem and every stage return for one test image, a row for each network.

    A stage's map is taken after its Global layer, if it has one. Every panel has its own scale, from 0.
    """
    image = normalised(dataset, index)
    rows = {name: outputs_of_parts(model, _parts(model), image) for name, model in models.items()}
    across = 1 + max(map(len, rows.values()))
    with house_style():
        figure, axes = plt.subplots(
            len(rows), across, figsize=(1.75 * across + 0.6, 1.75 * len(rows) + 0.6), squeeze=False
        )
        for line, (name, found) in zip(axes, rows.items(), strict=True):
            show_plane(line[0], picture(dataset, index))
            line[0].set_ylabel(name.replace(", ", ",\n"), fontsize=9)
            for ax, (part, output) in zip(line[1:], found.items(), strict=False):
                plane = output[0].mean(dim=0)
                show_plane(ax, plane, **shared_scale([plane]))
                ax.set_title(f"{part}, {output.shape[2]} x {output.shape[3]}", loc="center", fontsize=9)
            for ax in line[1 + len(found) :]:
                ax.set_visible(False)
        axes[0, 0].set_title(label, loc="center", fontsize=9)
        figure.suptitle("Mean activation over the channels: dark is 0, light the largest of the panel", fontsize=10)
    return figure


def _parts(model: ResNet) -> dict[str, nn.Module]:
    return {"stem": model.stem} | {f"stage {number}": stage for number, stage in enumerate(model.stages, start=1)}
