"""The coefficient fields that a network's Global layers make of an image: one page an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matplotlib import pyplot as plt
from torch import Tensor, nn

from nnbridge.data import Dataset
from nnbridge.reproduce.cifar.pictures import normalised, picture, shared_scale, show_plane
from nnbridge.training.looking import inputs_of_layers
from solver.plotting import house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PAIRS: Final = (("Dx", "Dy"), ("u", "v"), ("u_x", "v_y"))
_TITLES: Final = {
    "Dx": "diffusivity Dx",
    "Dy": "diffusivity Dy",
    "u": "velocity u (down)",
    "v": "velocity v (right)",
    "u_x": "u_x",
    "v_y": "v_y",
}


def fields_page(model: nn.Module, dataset: Dataset, index: int, label: str, channel: int | None = None) -> Figure:
    """Draw Dx, Dy, u, v, u_x and v_y of every Global layer for one test image.

    A row for each layer: its input I first, then the fields, each the mean over the channels, or one ``channel``.
    Within a row the two diffusivities share a colour scale, as do the two velocities and the two derivatives; the bar
    beside each pair is that of both.

    Raises
    ------
    ValueError
        If the model has no Global layer, or a layer no such channel.
    """
    inputs = inputs_of_layers(model, normalised(dataset, index))
    if not inputs:
        raise ValueError("`model` has no Global layer, so that there are no fields to show: choose a run that has some")
    with house_style():
        figure, axes = plt.subplots(len(inputs), 8, figsize=(15.5, 2.05 * len(inputs) + 0.75), squeeze=False)
        for row, (layer, x) in enumerate(inputs.values()):
            made = layer.fields(x)._asdict()
            planes = {field: _plane(made[field], channel) for field in _TITLES}
            if row == 0:
                show_plane(axes[0, 0], picture(dataset, index))
                axes[0, 0].set_title(label, loc="center", fontsize=10)
            else:
                axes[row, 0].set_visible(False)
            given = _plane(x, channel)
            show_plane(axes[row, 1], given, **shared_scale([given]))
            size = f"{x.shape[1]} channels\n{x.shape[2]} x {x.shape[3]} cells"
            axes[row, 1].set_ylabel(f"layer {row + 1}: {size}", fontsize=9)
            for pair, names in enumerate(_PAIRS):
                scale = shared_scale([planes[field] for field in names])
                both = axes[row, 2 + 2 * pair : 4 + 2 * pair]
                for ax, field in zip(both, names, strict=True):
                    image = show_plane(ax, planes[field], **scale)
                bar = figure.colorbar(image, ax=list(both), fraction=0.04, pad=0.02)
                bar.ax.tick_params(labelsize=8)
        for ax, title in zip(axes[0, 1:], ("input I", *_TITLES.values()), strict=True):
            ax.set_title(title, loc="center", fontsize=10)
        of = "mean over the channels" if channel is None else f"channel {channel}"
        figure.suptitle(
            f"What the layers' fields are for this image, {of}. The two fields of a pair share one scale; from dark to "
            "light where nothing is below 0, else red above 0 and blue below.",
            fontsize=10,
        )
    return figure


def _plane(tensor: Tensor, channel: int | None) -> Tensor:
    """Return (rows, columns) of (1, C, rows, columns): a channel, or the mean of all."""
    if channel is None:
        return tensor[0].detach().mean(dim=0)
    if not 0 <= channel < tensor.shape[1]:
        raise ValueError(f"`channel` is {channel}, but a layer has {tensor.shape[1]}: 0 to {tensor.shape[1] - 1}")
    return tensor[0, channel].detach()
