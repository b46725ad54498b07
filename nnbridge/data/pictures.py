"""A picture file as an image of a data set: its colours, its size, in bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

# Pillow's modes of 8 bits or less a colour; it cuts off what is above 255 in the others.
_MODES: Final = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")
_GREY: Final = 1


def read_picture(path: str | Path, colours: int, size: int) -> Tensor:
    """Read a picture file: turned upright, on black, its central square, resized, in grey for one colour.

    What is transparent shows black. The largest central square is taken, and averaged down or interpolated linearly to
    ``size``; a picture of that size and those colours without transparency keeps its bytes, if its format does. Grey is
    0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601). Nothing is inverted: the digits and clothes of the data sets
    are light on dark, and a picture of ink on paper has to be inverted before.

    Parameters
    ----------
    path
        A file in any format that Pillow reads, with at most 8 bits a colour; of an animation the first picture.
    colours
        1 or 3 of the result.
    size
        Its rows and columns.

    Returns
    -------
    Tensor
        uint8, (colours, size, size).

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no picture, is damaged or too large, or has more than 8 bits a colour.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist: name a picture file")
    picture = _central_square(_on_black(_open(path)))
    if picture.width != size:
        picture = picture.resize((size, size), Image.Resampling.BILINEAR)
    pixels = np.array(picture.convert("L" if colours == _GREY else "RGB"))
    return torch.from_numpy(pixels).reshape(size, size, -1).permute(2, 0, 1).contiguous()


def _open(path: Path) -> Image.Image:
    try:
        with Image.open(path) as file:
            file.load()
            picture = ImageOps.exif_transpose(file)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:  # a broken PNG is a SyntaxError to Pillow
        raise ValueError(f"{path} cannot be read as a picture: {error}") from None
    if picture.mode not in _MODES:
        raise ValueError(
            f"{path} has pixels of Pillow's kind {picture.mode!r}, which would be cut off: save it with 8 bits a colour"
        )
    return picture


def _on_black(picture: Image.Image) -> Image.Image:
    black = Image.new("RGBA", picture.size, "black")
    return Image.alpha_composite(black, picture.convert("RGBA")).convert("RGB")


def _central_square(picture: Image.Image) -> Image.Image:
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.crop((left, top, left + side, top + side))
