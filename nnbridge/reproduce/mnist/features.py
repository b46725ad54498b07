"""What the networks make of the two classes that are confused: the planes before the classifier, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import torch
from matplotlib import pyplot as plt
from torch import Tensor

from nnbridge.data import Dataset
from nnbridge.models.mnist import PDE, PDE_STEPS, MnistNet
from nnbridge.reproduce.mnist import CONFUSED
from nnbridge.reproduce.study import Run
from nnbridge.training import BACKBONES, load_model
from solver.plotting import house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_EXAMPLES_OF_EACH: Final = 2


def feature_maps(runs: Sequence[Run], dataset: Dataset) -> Figure:
    """Draw, for two test images each of the two confused classes, what a network computes before its classifier.

    Rows are images. Columns are the input; the outputs of convolution and residual network; and of the PDE network the
    velocity, the stem's output f = H[0], H[1] to H[5], and the output. The networks are those of the first seed.
    """
    images = torch.cat([_examples(dataset, digit) for digit in CONFUSED])
    networks = {name: _first(runs, name) for name in BACKBONES}
    with torch.no_grad():
        columns = {"input": images}
        for name in ("convolution", "residual"):
            columns[f"{name}:\noutput"] = networks[name].backbone(networks[name].stem(images))
        velocity, levels, output = _pde_planes(networks["pde"], images)
    columns["pde: velocity\nu = v"] = velocity
    columns |= {f"pde: {'f = ' if step == 0 else ''}H[{step}]": plane for step, plane in enumerate(levels)}
    columns["pde:\noutput"] = output

    # H[0] to H[5] of one image share a scale, so that one can see what the steps change.
    reach = torch.stack(levels).abs().amax(dim=(0, 2, 3, 4))
    with house_style():
        figure, axes = plt.subplots(len(images), len(columns), figsize=(1.28 * len(columns), 1.34 * len(images) + 0.7))
        for column, (title, planes) in enumerate(columns.items()):
            axes[0, column].set_title(title, fontsize=8.5, loc="center")
            for row, plane in enumerate(planes[:, 0]):
                ax = axes[row, column]
                if title == "input":
                    ax.imshow(plane.numpy(), cmap="gray")
                else:
                    ax.imshow(plane.numpy(), **_scale(plane, float(reach[row]) if "H[" in title else None))
                ax.set(xticks=[], yticks=[])
                ax.grid(False)
                ax.spines[:].set_visible(False)
        figure.suptitle(
            "Red is above 0, blue below; planes that are nowhere below 0 go from dark to light. "
            "Along a row H[0] to H[5] share a scale; every other panel has its own.",
            fontsize=9,
        )
    return figure


def _pde_planes(network: MnistNet, images: Tensor) -> tuple[Tensor, list[Tensor], Tensor]:
    """Return the velocity, H[0] to H[5], and the output of the PDE network's backbone."""
    pde = network.backbone
    if not isinstance(pde, PDE):
        raise TypeError(f"`network` has the backbone {type(pde).__name__}, but only PDE has time levels")
    f: Tensor = network.stem(images)
    velocity: Tensor = pde.g(f)
    return velocity, [pde.evolve(f, velocity, steps) for steps in range(PDE_STEPS + 1)], pde(f)


def _examples(dataset: Dataset, digit: int) -> Tensor:
    chosen = torch.nonzero(dataset.test.labels == digit).flatten()[:_EXAMPLES_OF_EACH]
    return dataset.test.images[chosen]


def _first(runs: Sequence[Run], backbone: str) -> MnistNet:
    folder = next(run.folder for run in runs if run.config.backbone == backbone)
    return cast(MnistNet, load_model(folder).eval())


def _scale(plane: Tensor, reach: float | None) -> dict[str, Any]:
    """Choose a diverging map centred at 0, up to ``reach`` if given, or cividis where nothing is below 0."""
    if reach is None and float(plane.min()) >= 0:
        return {"cmap": "cividis"}
    limit = float(plane.abs().max()) if reach is None else reach
    return {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit}
