"""The records that backends take and return: plain arrays with names."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

PERIODIC, NO_FLUX, DIRICHLET = "periodic", "no-flux", "dirichlet"
Kinds = tuple[str, str, str, str]
EVERYWHERE_PERIODIC: Kinds = (PERIODIC, PERIODIC, PERIODIC, PERIODIC)

# How much of a neighbour's own velocity, or diffusivity, there is in the number that multiplies its H.
ADVECTION = {"product": 0.0, "skew": 0.5, "flux": 1.0}
DIFFUSION = {"laplacian": 0.0, "flux": 0.5}


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


class Filter(NamedTuple):
    """The Robert-Asselin-Williams filter of a call; see `solver.filters.RAW`."""

    nu: float = 0.0
    "strength; 0 is no filter"
    alpha: float = 0.53
    unfiltered: int = 1
    "so many leading steps of the call are not filtered: 1 where a run begins, 0 where it goes on"


class Mesh(NamedTuple):
    """The discretisation: time step, spacing along x (rows) and y (columns), boundary, forms, filter."""

    dt: float
    dx: float = 1.0
    dy: float = 1.0
    boundary: Kinds = EVERYWHERE_PERIODIC
    "of the north, south, west and east side"
    advection: str = "product"
    diffusion: str = "laplacian"
    raw: Filter = Filter()


class Ratios(NamedTuple):
    """The scalars of the assembly and of the filter, in the dtype of the fields.

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
    half: Any
    "1/2"
    one: Any
    "1"
    velocity_share: Any
    "of the neighbour's velocity in what advects its H; None: zero, see `pruned`"
    diffusivity_share: Any
    "of the neighbour's diffusivity in what diffuses its H; None: zero"
    half_nu: Any
    "nu / 2 of the filter"
    alpha: Any

    @classmethod
    def of(cls, mesh: Mesh, dtype: np.dtype[Any]) -> Ratios:
        """Round each ratio once, from float64, to `dtype`."""
        return _ratios(mesh, dtype)

    def pruned(self) -> Ratios:
        """Return the same with None for both shares if both are zero: kernels for it read no neighbour's value.

        The other forms have one compilation together, whatever their shares are.
        """
        if self.velocity_share or self.diffusivity_share:
            return self
        return self._replace(velocity_share=None, diffusivity_share=None)


@lru_cache(maxsize=64)
def _ratios(mesh: Mesh, dtype: np.dtype[Any]) -> Ratios:
    """Compute what `Ratios.of` returns; a layer calls with the same mesh again and again."""
    dt, dx, dy = mesh.dt, mesh.dx, mesh.dy
    shares = ADVECTION[mesh.advection], DIFFUSION[mesh.diffusion]
    raw = mesh.raw.nu / 2, mesh.raw.alpha
    values = (dt / dx, dt / dy, 2 * dt / dx**2, 2 * dt / dy**2, 2 * dt, 0.5, 1.0, *shares, *raw)
    return Ratios(*(dtype.type(value) for value in values))


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
    first = inputs.now.shape
    if len(first) >= 2 and all(a.shape == first or not a.ndim for a in inputs):
        return first  # for small planes `broadcast_shapes` costs as much as a step
    return np.broadcast_shapes(*(a.shape for a in inputs), (1, 1))


def sum_to_shape(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Adjoint of broadcasting: sum `gradient` over the dimensions along which `shape` was broadcast."""
    if gradient.shape == shape:
        return gradient
    lead = gradient.ndim - len(shape)
    axes = tuple(range(lead)) + tuple(
        lead + axis for axis, size in enumerate(shape) if size == 1 and gradient.shape[lead + axis] != 1
    )
    return np.asarray(gradient.sum(axis=axes) if axes else gradient).reshape(shape)
