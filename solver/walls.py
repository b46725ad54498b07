"""Dirichlet walls: the rows and columns of nodes on which H is given.

On a wall the update is H[k+1] = value: all coefficients are zero but the forcing. So the *source* plane of the raw
arrays carries the value there, and its gradient there is that of the value.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from solver.records import DIRICHLET, Array, Kinds
from solver.sides import Dirichlet, Sides


def wall_cells(kinds: Kinds, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which cells of a plane lie on a Dirichlet wall."""
    on_wall = np.zeros(shape, np.bool_)
    north, south, west, east = (kind == DIRICHLET for kind in kinds)
    on_wall[:1] |= north
    on_wall[-1:] |= south
    on_wall[:, :1] |= west
    on_wall[:, -1:] |= east
    return on_wall


def on_walls(plane: Array, sides: Sides, shape: tuple[int, int]) -> Array:
    """Return `plane`, which broadcasts to (..., *shape), with the walls' values on the walls.

    Without a Dirichlet wall it is returned as it is. Where two walls meet, the north and south ones win; no update
    reads such a corner.
    """
    values = {name: np.asarray(side.value) for name, side in sides.items() if isinstance(side, Dirichlet)}
    if not values:
        return plane
    batch = np.broadcast_shapes(plane.shape[:-2], *(v.shape[:-1] for v in values.values()))
    held = np.broadcast_to(plane, batch + shape).copy()
    for name, place in (("west", np.s_[..., 0]), ("east", np.s_[..., -1]),
                        ("north", np.s_[..., 0, :]), ("south", np.s_[..., -1, :])):  # fmt: skip
        if name in values:
            held[place] = values[name]
    return held
