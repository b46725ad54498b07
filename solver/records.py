"""The records that backends take and return: plain arrays with names."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Levels(NamedTuple):
    """Two time levels of the three-level scheme: H[k] and H[k-1], each (..., rows, columns)."""

    now: Array
    old: Array


class Fields(NamedTuple):
    """The coefficients of the equation; each broadcasts to (..., rows, columns)."""

    u: Array
    v: Array
    Dx: Array
    Dy: Array
    source: Array


class Mesh(NamedTuple):
    """Time step, spacing along x (rows) and y (columns), and what lies beyond the edge of a plane."""

    dt: float
    dx: float = 1.0
    dy: float = 1.0
    boundary: str = "periodic"


class Ratios(NamedTuple):
    """The scalars of the assembly, in the dtype of the fields.

    Numba would promote float32 times a literal to float64, so the constants travel with the data.
    """

    x: Any
    "dt / dx, so that A_x = x * u"
    y: Any
    "dt / dy"
    xx: Any
    "2 dt / dx^2, so that 2 B_x = xx * Dx"
    yy: Any
    "2 dt / dy^2"
    source: Any
    "2 dt"
    one: Any
    "1"

    @classmethod
    def of(cls, mesh: Mesh, dtype: np.dtype[Any]) -> Ratios:
        """Round each ratio once, from float64, to `dtype`."""
        dt, dx, dy = mesh.dt, mesh.dx, mesh.dy
        values = (dt / dx, dt / dy, 2 * dt / dx**2, 2 * dt / dy**2, 2 * dt, 1.0)
        return cls(*(dtype.type(value) for value in values))


class Coefficients(NamedTuple):
    """What the assembly makes of the fields and the sweep applies: seven numbers per cell.

    H[k+1] = old H[k-1] + centre H[k] + north H[k](i-1) + south H[k](i+1)
           + west H[k](j-1) + east H[k](j+1) + forcing
    """

    old: Array
    centre: Array
    north: Array
    south: Array
    west: Array
    east: Array
    forcing: Array


class Inputs(NamedTuple):
    """The seven inputs of K steps, in the order of the layer: the two levels, the source, the four fields."""

    now: Array
    old: Array
    source: Array
    u: Array
    v: Array
    Dx: Array
    Dy: Array

    @classmethod
    def of(cls, levels: Levels, fields: Fields) -> Inputs:
        """Join the state and the coefficients."""
        return cls(levels.now, levels.old, fields.source, fields.u, fields.v, fields.Dx, fields.Dy)


def common_shape(inputs: Inputs) -> tuple[int, ...]:
    """Shape (..., rows, columns) that all seven inputs broadcast to."""
    return np.broadcast_shapes(*(a.shape for a in inputs), (1, 1))


def sum_to_shape(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Adjoint of broadcasting: sum `gradient` over the dimensions along which `shape` was broadcast."""
    lead = gradient.ndim - len(shape)
    axes = tuple(range(lead)) + tuple(
        lead + axis for axis, size in enumerate(shape) if size == 1 and gradient.shape[lead + axis] != 1
    )
    return np.asarray(gradient.sum(axis=axes) if axes else gradient).reshape(shape)
