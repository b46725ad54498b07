"""The grid: shape, spacing and boundary of one plane."""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import index
from typing import Any

import numpy as np
from numpy.typing import NDArray

from solver import checks

BOUNDARIES = ("periodic",)


@dataclass(frozen=True)
class Grid:
    """A uniform rectangular grid of rows x columns cells.

    x is the row axis (dim -2) and y the column axis (dim -1): a positive u carries features toward larger row
    index, a positive v toward larger column index.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns, each at least 1.
    spacing : (float, float)
        dx between rows and dy between columns, in units of length. Default (1, 1), one cell.
    boundary : str
        ``"periodic"``: row ``rows`` is row 0 again, so the period is ``rows * dx``; no cell is stored twice.
    origin : (float, float)
        Coordinates of cell (0, 0). Default (0, 0).

    Raises
    ------
    ValueError, TypeError
        If a size, spacing, boundary or origin is not one of the above.
    """

    shape: tuple[int, int]
    spacing: tuple[float, float] = (1.0, 1.0)
    boundary: str = "periodic"
    origin: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        try:
            rows, columns = map(index, _pair("shape", self.shape))
        except TypeError:
            raise TypeError(
                f"`shape` is {self.shape!r}: it takes two whole numbers, rows and columns, such as (64, 48)."
            ) from None
        if rows < 1 or columns < 1:
            raise ValueError(f"`shape` is {self.shape!r}: it takes at least one row and one column.")
        spacing = tuple(_real("spacing", value) for value in _pair("spacing", self.spacing))
        if not all(value > 0 and math.isfinite(value) for value in spacing):
            raise ValueError(
                f"`spacing` is {self.spacing!r}: it takes two positive finite lengths (dx, dy), "
                "dx between rows and dy between columns."
            )
        origin = tuple(_real("origin", value) for value in _pair("origin", self.origin))
        if not all(math.isfinite(value) for value in origin):
            raise ValueError(f"`origin` is {self.origin!r}: it takes two finite coordinates (x, y).")
        check_boundary(self.boundary)
        object.__setattr__(self, "shape", (rows, columns))
        object.__setattr__(self, "spacing", spacing)
        object.__setattr__(self, "origin", origin)

    @property
    def lengths(self) -> tuple[float, float]:
        """Period along x and y: rows * dx and columns * dy."""
        return self.shape[0] * self.spacing[0], self.shape[1] * self.spacing[1]

    @property
    def x(self) -> NDArray[np.float64]:
        """Coordinate of each row, shape (rows,)."""
        return self.origin[0] + self.spacing[0] * np.arange(self.shape[0], dtype=np.float64)

    @property
    def y(self) -> NDArray[np.float64]:
        """Coordinate of each column, shape (columns,)."""
        return self.origin[1] + self.spacing[1] * np.arange(self.shape[1], dtype=np.float64)

    def mesh(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Coordinates X and Y of every cell, each of shape (rows, columns)."""
        X, Y = np.meshgrid(self.x, self.y, indexing="ij")
        return X, Y


def check_boundary(boundary: str) -> None:
    """Raise a ValueError that names the known boundaries unless `boundary` is one of them."""
    checks.choice("boundary", boundary, BOUNDARIES)


def _pair(name: str, value: Any) -> tuple[Any, Any]:
    try:
        first, second = value
    except (TypeError, ValueError):
        raise TypeError(
            f"`{name}` is {value!r}: it takes a pair, one value for x (rows) and one for y (columns)."
        ) from None
    return first, second


def _real(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"`{name}` holds {value!r}: it takes real numbers.") from None
