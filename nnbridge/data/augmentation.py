"""Images from bytes: normalised, and for training cropped, flipped and cut out at random, a batch at a time.

All of it runs on the device where the images are. What is random comes from one generator on the CPU, so that a batch
is the same on every device, and a run that goes on draws what it would have drawn.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from solver import checks

WHITE = 255.0


def normalised(images: Tensor, mean: float, std: float) -> Tensor:
    """Return (images / 255 - mean) / std of bytes, float32, rounded in this order.

    So the images of one colour are normalised, once, when they are loaded; `Normalisation` does it in every batch, in
    one operation, which may round otherwise.
    """
    return images.float().div_(WHITE).sub_(mean).div_(std)


class Normalisation:
    """Subtract the mean of each colour and divide by its deviation, after scaling bytes to 0 to 1.

    Parameters
    ----------
    mean, std
        Of pixels from 0 to 1: one number, or one for each colour.
    """

    def __init__(self, mean: float | tuple[float, ...], std: float | tuple[float, ...]) -> None:
        self.mean, self.std = (torch.tensor(values).reshape(-1, 1, 1) for values in (mean, std))

    def __call__(self, images: Tensor) -> Tensor:
        """Return float32 images of bytes (N, C, H, W); images of numbers are returned as they are."""
        if images.dtype != torch.uint8:
            return images
        scale, shift = 1 / (WHITE * self.std), -self.mean / self.std
        return torch.addcmul(shift.to(images.device), images.float(), scale.to(images.device))


class Augmentation:
    """Crop, flip and cut out at random, then normalise.

    Parameters
    ----------
    normalise
        Applied at the end; what is outside an image, or cut out, is black before that.
    padding
        Black cells around an image, of which a crop of the image's size is taken, at any place alike; 0: no crop.
    flip
        Whether each image is mirrored left to right with probability 1/2.
    cutout
        Side of a square that is black, its centre anywhere in the image; 0: none. T. DeVries and G. W. Taylor,
        arXiv:1708.04552.
    seed
        Of the generator.
    """

    def __init__(self, normalise: Normalisation, *, padding: int, flip: bool, cutout: int, seed: int) -> None:
        self.normalise, self.flip = normalise, bool(flip)
        self.padding, self.cutout = checks.whole("padding", padding, 0), checks.whole("cutout", cutout, 0)
        self._generator = torch.Generator().manual_seed(seed)

    def __call__(self, images: Tensor) -> Tensor:
        """Return a batch of bytes (N, C, H, W) changed at random, float32; where images are numbers, black is 0."""
        count, _, height, width = images.shape
        down, right = (self._draw(count, 2 * self.padding + 1) for _ in range(2))
        mirrored = self._draw(count, 2) if self.flip else torch.zeros(count, dtype=torch.int64)
        across = torch.arange(width)
        across = torch.where(mirrored[:, None] == 1, across.flip(0), across)
        rows = (down[:, None] + torch.arange(height)).to(images.device)
        columns = (right[:, None] + across).to(images.device)
        member = torch.arange(count, device=images.device)[:, None, None]
        framed = pad(images, [self.padding] * 4)
        taken = framed.permute(0, 2, 3, 1)[member, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
        if self.cutout:
            taken = taken.masked_fill(self._squares(count, height, width).to(images.device), 0)
        return self.normalise(taken.contiguous())

    def _squares(self, count: int, height: int, width: int) -> Tensor:
        """Return where the squares are, (N, 1, H, W)."""
        inside = []
        for size in (height, width):
            first = self._draw(count, size)[:, None] - self.cutout // 2
            at = torch.arange(size)
            inside.append((at >= first) & (at < first + self.cutout))
        return (inside[0][:, :, None] & inside[1][:, None, :])[:, None]

    def _draw(self, count: int, below: int) -> Tensor:
        return torch.randint(below, (count,), generator=self._generator)

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the generator."""
        return {"generator": self._generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state that `state_dict` returned."""
        self._generator.set_state(state["generator"])
