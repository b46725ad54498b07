"""H[k] over k, as the fields that a network has learned would move it: beyond the steps that it was trained with."""

from __future__ import annotations

from pathlib import Path

import torch
from matplotlib import pyplot as plt
from matplotlib.animation import PillowWriter
from torch import Tensor, nn

from nnbridge.data import Dataset
from nnbridge.layers import GlobalLayer
from nnbridge.ops import diffusion_advection
from nnbridge.reproduce.cifar.pictures import normalised, picture, shared_scale, show_plane
from nnbridge.training.looking import inputs_of_layers
from solver.plotting import house_style


def levels(layer: GlobalLayer, x: Tensor, steps: int) -> list[Tensor]:
    """Return H[0] to H[steps] of a layer's equation for the input ``x``, (N, C, H, W) each, before norm and ReLU."""
    with torch.no_grad():
        made = layer.fields(x)
        h = torch.func.functional_call(layer.init, dict(layer.init.named_buffers()), (x,))
        source = x if layer.source else 0.0
        return [
            diffusion_advection(
                h, x, source, made.u, made.v, made.Dx, made.Dy, steps=k, dt=layer.dt, boundary=layer.boundary,
                advection=layer.advection, diffusion=layer.diffusion, backend=layer.backend,
            )
            for k in range(steps + 1)
        ]  # fmt: skip


def animate(model: nn.Module, dataset: Dataset, index: int, label: str, path: Path, steps: int, fps: int = 6) -> Path:
    """Write a GIF of H[0] to H[steps] of every Global layer for one test image, mean over the channels.

    Each layer has one colour scale for all frames. The title says which steps the network was trained with.

    Raises
    ------
    ValueError
        If the model has no Global layer.
    """
    inputs = inputs_of_layers(model, normalised(dataset, index))
    if not inputs:
        raise ValueError("`model` has no Global layer, so that nothing evolves: choose a run that has some")
    planes = [[H[0].mean(dim=0) for H in levels(layer, x, steps)] for layer, x in inputs.values()]
    trained = next(iter(inputs.values()))[0].steps
    with house_style():
        figure, axes = plt.subplots(1, 1 + len(planes), figsize=(2.6 * (1 + len(planes)), 3.1), squeeze=False)
        show_plane(axes[0, 0], picture(dataset, index))
        axes[0, 0].set_title(label, loc="center")
        images = []
        for number, (ax, course) in enumerate(zip(axes[0, 1:], planes, strict=True), start=1):
            images.append(show_plane(ax, course[0], **shared_scale(course)))
            ax.set_title(f"H, layer {number}", loc="center")
            bar = figure.colorbar(images[-1], ax=ax, orientation="horizontal", fraction=0.05, pad=0.03)
            bar.ax.tick_params(labelsize=7)
        title = figure.suptitle(f"k = 0 of {steps}; trained with K = {trained}")
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # laid out once: a new layout for each frame takes most of the time
        path.parent.mkdir(parents=True, exist_ok=True)
        writer = PillowWriter(fps=fps)
        with writer.saving(figure, str(path), dpi=90):
            for k in range(steps + 1):
                for image, course in zip(images, planes, strict=True):
                    image.set_data(course[k].numpy())
                title.set_text(f"k = {k} of {steps}; trained with K = {trained}")
                writer.grab_frame()
        plt.close(figure)
    return path
