"""The grid: shape, spacing and boundary of one plane."""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import index
from typing import Any

import numpy as np
from numpy.typing import NDArray

from solver.records import DIRICHLET, NO_FLUX
from solver.sides import Dirichlet, Sides


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
    boundary : {"periodic", "no-flux"}, Dirichlet or Sides
        One kind for all four sides, or Sides(north, south, west, east); always kept as Sides. Default periodic.
        Periodic and no-flux sides are carried by cells: row ``rows`` is row 0 again, or a wall that nothing crosses
        lies half a spacing beyond the last row. Dirichlet walls are carried by nodes: the outermost row or column
        lies on the wall and holds its value. See `solver.sides`.
    origin : (float, float)
        Coordinates of cell (0, 0). Default (0, 0).

    Raises
    ------
    ValueError, TypeError
        If a size, spacing, boundary or origin is not one of the above.
    """

    shape: tuple[int, int]
    spacing: tuple[float, float] = (1.0, 1.0)
    boundary: str | Dirichlet | Sides = "periodic"
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
        spacing, origin = _lengths("spacing", self.spacing), _coordinates("origin", self.origin)
        object.__setattr__(self, "boundary", Sides.of(self.boundary).checked((rows, columns)))
        object.__setattr__(self, "shape", (rows, columns))
        object.__setattr__(self, "spacing", spacing)
        object.__setattr__(self, "origin", origin)

    @classmethod
    def spanning(
        cls,
        shape: tuple[int, int],
        lengths: tuple[float, float],
        boundary: str | Dirichlet | Sides = "periodic",
        start: tuple[float, float] = (0.0, 0.0),
    ) -> Grid:
        """Return the grid whose walls, or whose period, lie at `start` and `start` + `lengths`.

        Along a periodic axis the first cell lies at the start; between no-flux walls half a spacing inside; Dirichlet
        walls have the first or last node on them.
        """
        unit = cls(shape, boundary=boundary)
        Lx, Ly = _lengths("lengths", lengths)
        x, y = _coordinates("start", start)
        dx, dy = Lx / unit.lengths[0], Ly / unit.lengths[1]
        inside = [kind == NO_FLUX for kind in unit.sides.kinds[::2]]
        return cls(shape, (dx, dy), unit.sides, (x + inside[0] * dx / 2, y + inside[1] * dy / 2))

    @property
    def sides(self) -> Sides:
        """The boundary, side by side."""
        return Sides.of(self.boundary)

    @property
    def lengths(self) -> tuple[float, float]:
        """Distance between the walls along x and y, or the period: each Dirichlet wall cuts half a cell off."""
        on_nodes = [kind == DIRICHLET for kind in self.sides.kinds]
        rows, columns = self.shape[0] - sum(on_nodes[:2]) / 2, self.shape[1] - sum(on_nodes[2:]) / 2
        return rows * self.spacing[0], columns * self.spacing[1]

    @property
    def x(self) -> NDArray[np.float64]:
        """Coordinate of each row, shape (rows,)."""
        return self.origin[0] + self.spacing[0] * np.arange(self.shape[0], dtype=np.float64)

    @property
    def y(self) -> NDArray[np.float64]:
        """Coordinate of each column, shape (columns,)."""
        return self.origin[1] + self.spacing[1] * np.arange(self.shape[1], dtype=np.float64)

    def record(self) -> dict[str, Any]:
        """Return what JSON can hold; `from_record` reads it back exactly."""
        return {
            "shape": self.shape,
            "spacing": self.spacing,
            "boundary": self.sides.record(),
            "origin": self.origin,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Grid:
        """Return the grid of a record."""
        boundary = Sides.from_record(record["boundary"])
        return cls(tuple(record["shape"]), tuple(record["spacing"]), boundary, tuple(record["origin"]))

    def mesh(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Coordinates X and Y of every cell, each of shape (rows, columns)."""
        X, Y = np.meshgrid(self.x, self.y, indexing="ij")
        return X, Y


def _pair(name: str, value: Any) -> tuple[Any, Any]:
    try:
        first, second = value
    except (TypeError, ValueError):
        raise TypeError(
            f"`{name}` is {value!r}: it takes a pair, one value for x (rows) and one for y (columns)."
        ) from None
    return first, second


def _lengths(name: str, value: Any) -> tuple[float, float]:
    first, second = (_real(name, part) for part in _pair(name, value))
    if not all(part > 0 and math.isfinite(part) for part in (first, second)):
        raise ValueError(
            f"`{name}` is {value!r}: it takes two positive finite lengths, along x (from row to row) and along y."
        )
    return first, second


def _coordinates(name: str, value: Any) -> tuple[float, float]:
    first, second = (_real(name, part) for part in _pair(name, value))
    if not (math.isfinite(first) and math.isfinite(second)):
        raise ValueError(f"`{name}` is {value!r}: it takes two finite coordinates (x, y).")
    return first, second


def _real(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"`{name}` holds {value!r}: it takes real numbers.") from None
