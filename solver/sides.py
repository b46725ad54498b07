"""What lies beyond the four edges of a plane.

Three kinds, chosen for each side:

``"periodic"``
    The opposite edge. Both sides of an axis or neither. Cells carry it: no cell is stored twice.
``"no-flux"``
    A wall that nothing crosses, on the outer *faces* of the edge *cells*, half a spacing beyond them. H, D and the
    velocity along the wall are mirrored evenly, the velocity across it oddly: the solution is that of the periodic
    problem on the mirrored plane, and u H - D H_x is zero on the wall; H_x is, where no flow goes against it.
``Dirichlet(value)``
    A wall on which H is given. The edge *nodes* lie on it: the outermost row or column holds the value, and no cell
    beyond it is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from solver import checks
from solver.records import DIRICHLET, NO_FLUX, PERIODIC, Array, Kinds

NAMES = ("north", "south", "west", "east")
OPPOSITE = {"north": "south", "south": "north", "west": "east", "east": "west"}
TAKES = f"{PERIODIC!r}, {NO_FLUX!r} or Dirichlet(value)"


@dataclass(frozen=True, eq=False)
class Dirichlet:
    """A wall that holds H at `value`.

    Parameters
    ----------
    value : number or array
        In units of H, constant in time: (..., columns) on the north and south side, (..., rows) on the west and east
        one; leading dimensions are a batch. In `nnbridge` it may be a tensor with a gradient.
    """

    value: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dirichlet) and (self.value is other.value or np.array_equal(self.value, other.value))

    def __hash__(self) -> int:
        if hasattr(self.value, "requires_grad"):  # a tensor: equal to itself alone
            return hash(self.value)
        return hash(
            (np.asarray(self.value, np.float64) + 0.0).tobytes()
        )  # equal values, 0.0 and -0.0 too, hash equally


Side = str | Dirichlet


@dataclass(frozen=True)
class Sides:
    """The boundary of a plane, side by side.

    Parameters
    ----------
    north, south : {"periodic", "no-flux"} or Dirichlet
        Beyond the first and the last row: the two ends of the x axis.
    west, east : {"periodic", "no-flux"} or Dirichlet
        Beyond the first and the last column: the two ends of the y axis.

    Raises
    ------
    TypeError, ValueError
        If a side is none of these, or one side of an axis is periodic and the other is not.
    """

    north: Side = PERIODIC
    south: Side = PERIODIC
    west: Side = PERIODIC
    east: Side = PERIODIC

    def __post_init__(self) -> None:
        for name, side in self.items():
            if not isinstance(side, str | Dirichlet):
                raise TypeError(f"`boundary` {name} is a {type(side).__name__}: it takes {TAKES}.")
            if isinstance(side, str) and side not in (PERIODIC, NO_FLUX):
                raise ValueError(f"`boundary` {name} is {side!r}: it takes {TAKES}.")
        for name, side in self.items():
            if side == PERIODIC and getattr(self, OPPOSITE[name]) != PERIODIC:
                raise ValueError(
                    f"`boundary` {name} is {PERIODIC!r}, but {OPPOSITE[name]} is not: a period has two ends. "
                    f"Make both {PERIODIC!r}, or give {name} {NO_FLUX!r} or Dirichlet(value)."
                )

    @classmethod
    def of(cls, boundary: object) -> Sides:
        """Return `boundary` itself if it is Sides already, else the same kind on all four sides."""
        if isinstance(boundary, Sides):
            return boundary
        if not isinstance(boundary, str | Dirichlet):
            raise TypeError(f"`boundary` is a {type(boundary).__name__}: it takes {TAKES}, or Sides(...).")
        if isinstance(boundary, str) and boundary not in (PERIODIC, NO_FLUX):
            raise ValueError(f"`boundary` is {boundary!r}: it takes {TAKES}, or Sides(...).")
        return _EVERYWHERE[boundary] if isinstance(boundary, str) else cls(boundary, boundary, boundary, boundary)

    def items(self) -> tuple[tuple[str, Side], ...]:
        """Return (name, side) of all four."""
        return tuple((name, getattr(self, name)) for name in NAMES)

    @property
    def kinds(self) -> Kinds:
        """The kind of each side, in the order north, south, west, east: what the kernels need to know."""
        north, south, west, east = (DIRICHLET if isinstance(side, Dirichlet) else side for _, side in self.items())
        return north, south, west, east

    def check_size(self, shape: tuple[int, int]) -> None:
        """Raise a ValueError if nothing would be left between the Dirichlet walls of a plane of `shape`."""
        for axis, size, ends in (("rows", shape[0], NAMES[:2]), ("columns", shape[1], NAMES[2:])):
            walls = sum(isinstance(getattr(self, name), Dirichlet) for name in ends)
            if size <= walls:
                raise ValueError(
                    f"`shape` has {size} {axis}, of which {walls} would lie on Dirichlet walls: it takes at least "
                    f"{walls + 1} {axis}."
                )

    def checked(self, shape: tuple[int, int]) -> Sides:
        """Return these sides for a plane of `shape`, each value a frozen float64 array; raise if one does not fit."""
        self.check_size(shape)
        rows, columns = shape
        lengths = dict(zip(NAMES, (columns, columns, rows, rows), strict=True))
        return Sides(**{n: Dirichlet(_values(n, s.value, lengths[n])) if isinstance(s, Dirichlet) else s
                        for n, s in self.items()})  # fmt: skip

    def record(self) -> dict[str, Any]:
        """Return what JSON can hold; `from_record` reads it back exactly."""
        return {name: side if isinstance(side, str) else {DIRICHLET: np.asarray(side.value).tolist()}
                for name, side in self.items()}  # fmt: skip

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Sides:
        """Return the sides of a record."""
        return cls(**{n: side if isinstance(side, str) else Dirichlet(side[DIRICHLET]) for n, side in record.items()})

    def __repr__(self) -> str:
        described = [_describe(side) for _, side in self.items()]
        if len(set(described)) == 1:
            return described[0]
        return ", ".join(f"{name} {text}" for name, text in zip(NAMES, described, strict=True))


# Made once: a layer asks at every call.
_EVERYWHERE = {kind: Sides(kind, kind, kind, kind) for kind in (PERIODIC, NO_FLUX)}


def _values(name: str, value: object, length: int) -> Array:
    array = checks.real_array(f"`boundary` {name}", value).astype(np.float64)
    if array.ndim and array.shape[-1] not in (1, length):
        raise ValueError(
            f"`boundary` {name} has values of shape {array.shape}: it takes a number or (..., {length}), one value "
            "for each cell along that side."
        )
    if not np.isfinite(array).all():
        raise ValueError(f"`boundary` {name} has values that are not finite: it takes finite values only.")
    array.flags.writeable = False
    return array


def _describe(side: Side) -> str:
    if side == PERIODIC:
        return "periodic cells"
    if side == NO_FLUX:
        return "no-flux wall on the outer face of the edge cells"
    value: Any = side.value if isinstance(side, Dirichlet) else side
    if hasattr(value, "requires_grad"):
        return f"Dirichlet wall on the edge nodes, H a {type(value).__name__} of shape {tuple(value.shape)}"
    values = np.asarray(value)
    shown = f"{float(values):g}" if values.ndim == 0 else f"{values.min():g} to {values.max():g}"
    return f"Dirichlet wall on the edge nodes, H = {shown}"
