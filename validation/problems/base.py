"""What every analytic problem offers: a grid, the equation on it, and the exact solution."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from solver import DiffusionAdvection, Grid
from solver.records import DIRICHLET
from solver.sides import Sides

Field = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class AnalyticProblem(ABC):
    """A problem whose solution is known, at any resolution.

    Parameters
    ----------
    rows, columns
        Grid points along x and along y.
    lengths
        Distance between the walls, or the period, along x and along y. The plane begins at (0, 0).
    """

    name: ClassVar[str]

    rows: int = 32
    columns: int = 24
    lengths: tuple[float, float] = (1.0, 1.0)

    @property
    def sides(self) -> Sides:
        """What lies beyond the four edges: everywhere periodic unless the problem says otherwise."""
        return Sides()

    @property
    def grid(self) -> Grid:
        """The grid, (rows, columns), whose walls, or whose period, lie at 0 and at ``lengths``."""
        return Grid.spanning((self.rows, self.columns), self.lengths, self.sides)

    @property
    @abstractmethod
    def problem(self) -> DiffusionAdvection:
        """The equation, its coefficients sampled on the grid."""

    @abstractmethod
    def exact(self, t: float) -> Field:
        """Return the exact solution at time ``t``, float64, (rows, columns)."""

    def refined(self, factor: int) -> Self:
        """Return the same problem, between the same walls, with spacings ``factor`` times as fine.

        Raises
        ------
        ValueError
            If ``factor`` is even and an axis ends in a Dirichlet wall on one side, in a no-flux wall on the other:
            the half cell at the latter is divided into whole and half cells by an odd factor only.
        """
        kinds = self.grid.sides.kinds
        return replace(
            self,
            rows=_refined(self.rows, kinds[:2], factor),
            columns=_refined(self.columns, kinds[2:], factor),
        )


def _refined(count: int, ends: tuple[str, ...], factor: int) -> int:
    """Return how many points an axis of ``count`` points has with ``factor`` times as many spacings."""
    on_walls = ends.count(DIRICHLET)
    doubled = factor * (2 * count - on_walls) + on_walls  # an axis has count - on_walls / 2 spacings
    if doubled % 2:
        raise ValueError(
            f"`factor` is {factor}, but an axis with one Dirichlet and one no-flux end is refined by odd factors "
            "only: take 3 or 5"
        )
    return doubled // 2
