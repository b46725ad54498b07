"""The problem: an equation with its coefficients on a grid."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Hashable
from copy import copy
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from solver import checks
from solver.grid import Grid
from solver.records import ADVECTION, DIFFUSION, Fields, Filter, Mesh
from solver.sides import Dirichlet
from solver.walls import on_walls

Field = NDArray[np.floating]
Pair = tuple[ArrayLike, ArrayLike]
Found = TypeVar("Found")


@dataclass(frozen=True, eq=False)
class DiffusionAdvection:
    r"""The diffusion-advection equation in two dimensions.

        H_t + (u H)_x + (v H)_y = Dx H_xx + Dy H_yy + f

    Parameters
    ----------
    grid : Grid
        The plane; x is its row axis, y its column axis.
    velocity : (u, v), or a function of t that returns them
        Length per time along x and y. Each a number or an array that broadcasts to (..., rows, columns); leading
        dimensions are a batch of planes. A function is called once a step, at the time of H[k].
    diffusivity : (Dx, Dy)
        Length squared per time, not negative. Shapes as for the velocity.
    source : f, or a function of t that returns it
        H per time. Default 0.
    advection : {"skew", "product", "flux"}
        How (u H)_x is differenced: by the product rule u H_x + u_x H, as published for the layer; as the difference of
        the fluxes u H; or as the mean of the two, whose error grows slowest (default). One equation, three schemes.
    diffusion : {"laplacian", "flux"}
        Dx H_xx as above, or the conservative (Dx H_x)_x with D averaged to the faces: *another equation* where D
        varies. Default "laplacian".

    Raises
    ------
    TypeError
        If a coefficient is not real numbers, or the grid is not a Grid.
    ValueError
        If a coefficient is not finite, a diffusivity is negative, a shape does not broadcast to the grid, or a form
        is unknown.

    Notes
    -----
    Coefficients are copied and frozen. float32 arrays stay float32; everything else becomes float64. The dtype of a
    solve is that of its initial state; coefficients are converted to it once.

    All forms of the advection conserve the sum of H, for any velocity, where the diffusivity is constant. With variable
    diffusivity D H_xx does not conserve; with ``diffusion="flux"`` the sum of (1 + b) H[k] + (1 - b) H[k-1] is
    conserved, b the diffusion number of the cell: DuFort-Frankel's telegraph term carries the rest of the sum of H.
    """

    grid: Grid
    velocity: Pair | Callable[[float], Pair]
    diffusivity: Pair
    source: ArrayLike | Callable[[float], ArrayLike] = 0.0
    advection: str = field(default="skew", kw_only=True)
    diffusion: str = field(default="laplacian", kw_only=True)
    _known: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.grid, Grid):
            raise TypeError(f"`grid` is a {type(self.grid).__name__}: it takes a solver.Grid.")
        checks.choice("advection", self.advection, tuple(ADVECTION))
        checks.choice("diffusion", self.diffusion, tuple(DIFFUSION))
        object.__setattr__(self, "diffusivity", self._diffusivity())
        if not callable(self.velocity):
            object.__setattr__(self, "velocity", self._velocity(self.velocity))
        if not callable(self.source):
            object.__setattr__(self, "source", _field("source", "f", self.source, self.grid))
        if self.steady:
            self._check_batch()
        else:
            self.at(0.0)  # what the functions return is checked, once here and then at every step

    def _velocity(self, pair: object) -> tuple[Field, Field]:
        return _components("velocity", ("u", "v"), pair, self.grid)

    def _diffusivity(self) -> tuple[Field, Field]:
        Dx, Dy = _components("diffusivity", ("Dx", "Dy"), self.diffusivity, self.grid)
        for name, D in (("Dx", Dx), ("Dy", Dy)):
            if D.min() < 0:
                raise ValueError(
                    f"`diffusivity` {name} has the negative value {D.min():.6g}: the equation is ill-posed there. "
                    "It takes values >= 0."
                )
        return Dx, Dy

    def _check_batch(self) -> None:
        try:
            np.broadcast_shapes(*(c.shape for c in self.held()))
        except ValueError:
            shapes = [f"{n} {c.shape}" for n, c in zip(Fields._fields, self.fields(), strict=True)]
            walls = [f"{n} wall {s.value.shape}" for n, s in self.grid.sides.items() if isinstance(s, Dirichlet)]
            raise ValueError(
                f"the batch dimensions of the coefficients do not broadcast together: {', '.join(shapes + walls)}. "
                "Give each the same leading dimensions, or 1."
            ) from None

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy has: not what was remembered, which a copy in other hands may outlive."""
        return {**vars(self), "_known": {}}

    @property
    def steady(self) -> bool:
        """Whether no coefficient is a function of time."""
        return not (callable(self.velocity) or callable(self.source))

    def at(self, t: float) -> DiffusionAdvection:
        """Return the steady problem whose coefficients are those at time `t`."""
        if self.steady:
            return self
        now = copy(self)
        try:
            if callable(self.velocity):
                object.__setattr__(now, "velocity", self._velocity(self.velocity(t)))
            if callable(self.source):
                object.__setattr__(now, "source", _field("source", "f", self.source(t), self.grid))
            now._check_batch()
        except (TypeError, ValueError) as error:
            raise type(error)(f"at t = {t:.6g}: {error}") from error
        return now

    def __repr__(self) -> str:
        parts = ", ".join(f"{n}={_describe(c)}" for n, c in zip(Fields._fields, self.fields(), strict=True))
        when = "" if self.steady else ", at t = 0 of a time-dependent problem"
        forms = f"advection={self.advection!r}, diffusion={self.diffusion!r}"
        return f"DiffusionAdvection({self.grid}, {parts}, {forms}{when})"

    def fields(self, dtype: np.dtype | type | None = None) -> Fields:
        """Return the coefficients (u, v, Dx, Dy, source), converted to `dtype` if one is given.

        At t = 0 if they are functions of time.
        """
        now = self.at(0.0)
        u, v = now.velocity  # type: ignore[misc]  # `at` has called what was a function
        Dx, Dy = now.diffusivity
        arrays = [np.asarray(c) for c in (u, v, Dx, Dy, now.source)]
        return Fields(*(c if dtype is None else c.astype(dtype, copy=False) for c in arrays))

    def held(self, dtype: np.dtype | type | None = None) -> Fields:
        """Return the coefficients as a backend takes them: the source holds the values of Dirichlet walls there."""
        fields = self.fields(dtype)
        return fields._replace(source=on_walls(fields.source, self.grid.sides, self.grid.shape))

    def mesh(self, dt: float, raw: Filter | None = None) -> Mesh:
        """Return the discretisation of this problem with the time step `dt`, and a filter if one is given."""
        kinds = self.grid.sides.kinds
        return Mesh(dt, *self.grid.spacing, kinds, self.advection, self.diffusion, raw or Filter())

    def remembered(self, what: Hashable, find: Callable[[], Found]) -> Found:
        """Return what `find` returns, and from then on that same object: the coefficients do not change.

        A short run of a small grid would spend as long on such questions as on thirty steps.
        """
        if what not in self._known:
            self._known[what] = find()
        return cast(Found, self._known[what])

    def digest(self) -> str:
        """Return a short fingerprint of grid, forms and coefficients: equal for equal problems, in any process.

        Of functions of time it knows their values at t = 0 alone.
        """
        return self.remembered("digest", self._digest)

    def _digest(self) -> str:
        from solver.cpu.fingerprint import fingerprint

        settings = json.dumps([self.grid.record(), self.advection, self.diffusion, self.steady])
        found = hashlib.sha256(settings.encode())
        fields = self.fields()
        found.update(str([(values.shape, values.dtype.str) for values in fields]).encode())
        found.update(fingerprint(*fields))
        return found.hexdigest()[:16]

    @property
    def batch(self) -> tuple[int, ...]:
        """Leading dimensions that the coefficients and the walls share; () for one plane."""
        shapes = [c.shape for c in self.held()]
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
    array = checks.real_array(f"`{name}` {part}", value)
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
