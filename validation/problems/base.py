"""What every analytic problem offers: a grid, the equation on it, and the exact solution."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from solver import DiffusionAdvection, Grid

Field = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class AnalyticProblem(ABC):
    """A problem whose solution is known, at any resolution.

    Parameters
    ----------
    rows, columns
        Grid points along x and along y.
    lengths
        Periods along x and along y.
    """

    name: ClassVar[str]

    rows: int = 32
    columns: int = 24
    lengths: tuple[float, float] = (1.0, 1.0)

    @property
    def grid(self) -> Grid:
        """The periodic grid, (rows, columns), that covers one period each way."""
        (Lx, Ly), shape = self.lengths, (self.rows, self.columns)
        return Grid(shape, (Lx / self.rows, Ly / self.columns))

    @property
    @abstractmethod
    def problem(self) -> DiffusionAdvection:
        """The equation, its coefficients sampled on the grid."""

    @abstractmethod
    def exact(self, t: float) -> Field:
        """Return the exact solution at time ``t``, float64, (rows, columns)."""

    def refined(self, factor: int) -> Self:
        """Return the same problem with ``factor`` times as many points each way."""
        return replace(self, rows=factor * self.rows, columns=factor * self.columns)
