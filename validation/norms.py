"""Sums over the plane that do not depend on how it is divided: areas, errors, masses."""

from __future__ import annotations

import numpy as np

from solver import Grid
from solver.records import NO_FLUX
from solver.walls import wall_cells
from validation.problems.base import Field


def areas(grid: Grid) -> Field:
    """Return the area that each grid point stands for, (rows, columns): half of dx dy on a Dirichlet wall."""
    kinds, shape = grid.sides.kinds, grid.shape
    on_x_wall = wall_cells((*kinds[:2], NO_FLUX, NO_FLUX), shape)
    on_y_wall = wall_cells((NO_FLUX, NO_FLUX, *kinds[2:]), shape)
    dx, dy = grid.spacing
    return np.where(on_x_wall, dx / 2, dx) * np.where(on_y_wall, dy / 2, dy)


def relative_error(computed: Field, expected: Field, grid: Grid, norm: float = 2) -> float:
    """Return the norm of the difference over that of ``expected``: L1, L2 or the largest value, for 1, 2 or inf."""
    if norm == np.inf:
        return float(np.abs(computed - expected).max() / np.abs(expected).max())
    weights = areas(grid)
    wrong, whole = (np.sum(weights * np.abs(H) ** norm) for H in (computed - expected, expected))
    return float((wrong / whole) ** (1 / norm))
