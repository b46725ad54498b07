"""The value of a plane at each neighbour of a cell, in plain NumPy.

`mirror` is the sign with which a plane continues beyond a no-flux wall: +1, or -1 for the velocity across it. Beyond a
Dirichlet wall nothing is read; what stands there is a copy of the edge.
"""

from __future__ import annotations

import numpy as np

from solver.records import PERIODIC, Array, Kinds


def north(a: Array, kinds: Kinds, mirror: int = 1) -> Array:
    """Value at i-1."""
    moved = np.roll(a, 1, axis=-2)
    if kinds[0] != PERIODIC:
        moved[..., 0, :] = mirror * a[..., 0, :]
    return moved


def south(a: Array, kinds: Kinds, mirror: int = 1) -> Array:
    """Value at i+1."""
    moved = np.roll(a, -1, axis=-2)
    if kinds[1] != PERIODIC:
        moved[..., -1, :] = mirror * a[..., -1, :]
    return moved


def west(a: Array, kinds: Kinds, mirror: int = 1) -> Array:
    """Value at j-1."""
    moved = np.roll(a, 1, axis=-1)
    if kinds[2] != PERIODIC:
        moved[..., 0] = mirror * a[..., 0]
    return moved


def east(a: Array, kinds: Kinds, mirror: int = 1) -> Array:
    """Value at j+1."""
    moved = np.roll(a, -1, axis=-1)
    if kinds[3] != PERIODIC:
        moved[..., -1] = mirror * a[..., -1]
    return moved


def north_transposed(g: Array, kinds: Kinds, mirror: int = 1) -> Array:
    """Adjoint of `north`: what each cell receives from the cells that read it as their north."""
    received = np.roll(g, -1, axis=-2)
    if kinds[0] != PERIODIC:
        received[..., -1, :] = 0
        received[..., 0, :] += mirror * g[..., 0, :]
    return received


def south_transposed(g: Array, kinds: Kinds, mirror: int = 1) -> Array:
    """Adjoint of `south`."""
    received = np.roll(g, 1, axis=-2)
    if kinds[1] != PERIODIC:
        received[..., 0, :] = 0
        received[..., -1, :] += mirror * g[..., -1, :]
    return received


def west_transposed(g: Array, kinds: Kinds, mirror: int = 1) -> Array:
    """Adjoint of `west`."""
    received = np.roll(g, -1, axis=-1)
    if kinds[2] != PERIODIC:
        received[..., -1] = 0
        received[..., 0] += mirror * g[..., 0]
    return received


def east_transposed(g: Array, kinds: Kinds, mirror: int = 1) -> Array:
    """Adjoint of `east`."""
    received = np.roll(g, 1, axis=-1)
    if kinds[3] != PERIODIC:
        received[..., 0] = 0
        received[..., -1] += mirror * g[..., -1]
    return received
