"""The problem: an equation with its coefficients on a grid."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from solver.grid import Grid
from solver.records import Fields

Field = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class DiffusionAdvection:
    r"""The diffusion-advection equation in two dimensions.

        H_t + (u H)_x + (v H)_y = Dx H_xx + Dy H_yy + f

    Parameters
    ----------
    grid : Grid
        The plane; x is its row axis, y its column axis.
    velocity : (u, v)
        Length per time along x and y. Each a number or an array that broadcasts to (..., rows, columns); leading
        dimensions are a batch of planes.
    diffusivity : (Dx, Dy)
        Length squared per time, not negative. Shapes as for the velocity.
    source : f
        H per time, constant in time. Default 0.

    Raises
    ------
    TypeError
        If a coefficient is not real numbers, or the grid is not a Grid.
    ValueError
        If a coefficient is not finite, a diffusivity is negative, or a shape does not broadcast to the grid.

    Notes
    -----
    Coefficients are copied and frozen. float32 arrays stay float32; everything else becomes float64. The dtype of a
    solve is that of its initial state; coefficients are converted to it once.

    The discrete scheme writes the divergence by the product rule: with constant diffusivity the sum of H is
    conserved for any velocity; with variable diffusivity, D H_xx does not conserve.
    """

    grid: Grid
    velocity: tuple[ArrayLike, ArrayLike]
    diffusivity: tuple[ArrayLike, ArrayLike]
    source: ArrayLike = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.grid, Grid):
            raise TypeError(f"`grid` is a {type(self.grid).__name__}: it takes a solver.Grid.")
        u, v = _components("velocity", ("u", "v"), self.velocity, self.grid)
        Dx, Dy = _components("diffusivity", ("Dx", "Dy"), self.diffusivity, self.grid)
        for name, D in (("Dx", Dx), ("Dy", Dy)):
            if D.min() < 0:
                raise ValueError(
                    f"`diffusivity` {name} has the negative value {D.min():.6g}: the equation is ill-posed there. "
                    "It takes values >= 0."
                )
        f = _field("source", "f", self.source, self.grid)
        object.__setattr__(self, "velocity", (u, v))
        object.__setattr__(self, "diffusivity", (Dx, Dy))
        object.__setattr__(self, "source", f)
        try:
            np.broadcast_shapes(*(c.shape for c in self.fields()))
        except ValueError:
            shapes = ", ".join(f"{n} {c.shape}" for n, c in zip(Fields._fields, self.fields(), strict=True))
            raise ValueError(
                f"the batch dimensions of the coefficients do not broadcast together: {shapes}. "
                "Give each the same leading dimensions, or 1."
            ) from None

    def __repr__(self) -> str:
        parts = ", ".join(f"{n}={_describe(c)}" for n, c in zip(Fields._fields, self.fields(), strict=True))
        return f"DiffusionAdvection({self.grid}, {parts})"

    def fields(self, dtype: np.dtype | type | None = None) -> Fields:
        """Return the coefficients (u, v, Dx, Dy, source), converted to `dtype` if one is given."""
        u, v = self.velocity
        Dx, Dy = self.diffusivity
        arrays = [np.asarray(c) for c in (u, v, Dx, Dy, self.source)]
        return Fields(*(c if dtype is None else c.astype(dtype, copy=False) for c in arrays))

    def digest(self) -> str:
        """Return a short fingerprint of grid and coefficients: equal for equal problems, in any process."""
        found = hashlib.sha256(repr(self.grid).encode())
        for field in self.fields():
            found.update(f"{field.shape} {field.dtype}".encode())
            found.update(np.ascontiguousarray(field).tobytes())
        return found.hexdigest()[:16]

    @property
    def batch(self) -> tuple[int, ...]:
        """Leading dimensions that the coefficients share; () for one plane."""
        shapes = [c.shape for c in self.fields()]
        return np.broadcast_shapes(*shapes, self.grid.shape)[:-2]


def _components(name: str, parts: tuple[str, str], pair: Any, grid: Grid) -> tuple[Field, Field]:
    try:
        first, second = pair
    except (TypeError, ValueError):
        raise TypeError(
            f"`{name}` is a {type(pair).__name__}: it takes a pair ({', '.join(parts)}), for x (rows) and y (columns)."
        ) from None
    return _field(name, parts[0], first, grid), _field(name, parts[1], second, grid)


def _field(name: str, part: str, value: object, grid: Grid) -> Field:
    try:
        array = np.array(value)
    except ValueError:
        raise TypeError(f"`{name}` {part} is not an array: its rows differ in length.") from None
    if array.dtype.kind not in "fiub":
        raise TypeError(f"`{name}` {part} has dtype {array.dtype}: it takes real numbers (float32 or float64).")
    if array.dtype != np.float32:
        array = array.astype(np.float64)
    try:
        fits = np.broadcast_shapes(array.shape, grid.shape)[-2:] == grid.shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"`{name}` {part} has shape {array.shape}: it takes a number or a shape that broadcasts to "
            f"(..., {grid.shape[0]}, {grid.shape[1]}), the grid's rows and columns last."
        )
    if not np.isfinite(array).all():
        cell = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"`{name}` {part} is not finite at {cell}: it takes finite values only.")
    array.flags.writeable = False
    return array


def _describe(array: Field) -> str:
    if array.ndim == 0:
        return f"{float(array):g}"
    return f"<{array.dtype} {array.shape}, {array.min():.4g} to {array.max():.4g}>"
