"""What the pictures of networks have in common: planes without axes, and images as they were before normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from nnbridge.data import Dataset, Normalisation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

SIGNED, FROM_ZERO = "RdBu_r", "cividis"


def show_plane(ax: Axes, plane: Any, **scale: Any) -> AxesImage:
    """Draw a plane (rows, columns), or one with colours, without axes; row 0 is at the top."""
    image = ax.imshow(plane.numpy() if isinstance(plane, Tensor) else plane, **scale)
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
    ax.spines[:].set_visible(False)
    return image


def shared_scale(planes: Sequence[Tensor]) -> dict[str, Any]:
    """Return colour map and limits for several planes together, signed ones centred at 0; NaN and inf are left out."""
    values = torch.cat([plane.flatten() for plane in planes])
    values = values[torch.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    if low < 0:
        reach = max(-low, high)
        return {"cmap": SIGNED, "vmin": -reach, "vmax": reach}
    return {"cmap": FROM_ZERO, "vmin": 0.0, "vmax": high or 1.0}


def picture(dataset: Dataset, index: int) -> Any:
    """Return a test image as matplotlib draws it: (rows, columns, 3), or (rows, columns) of one colour."""
    image = dataset.test.images[index]
    return image.permute(1, 2, 0).squeeze(-1).numpy()


def normalised(dataset: Dataset, index: int) -> Tensor:
    """Return a test image as networks take it, (1, C, H, W)."""
    return Normalisation(dataset.mean, dataset.std)(dataset.test.images[index : index + 1])


def check_images(dataset: Dataset, indices: Sequence[int]) -> None:
    """Raise a ValueError if one of ``indices`` is not that of a test image."""
    for index in indices:
        if not 0 <= index < len(dataset.test):
            raise ValueError(f"`images` has {index}, but the test images are 0 to {len(dataset.test) - 1}")
