"""Dirichlet walls of tensors: the source carries their values, so that autograd finds the way back to them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from solver.records import DIRICHLET, NO_FLUX, Kinds
from solver.sides import NAMES, Dirichlet, Sides

SOURCE = 2


def wall_mask(kinds: Kinds, shape: tuple[int, int], device: torch.device) -> Tensor:
    """Return which cells of a plane lie on a Dirichlet wall, in torch operations that can be traced."""
    i, j = torch.arange(shape[0], device=device)[:, None], torch.arange(shape[1], device=device)
    on_wall = torch.zeros(shape, dtype=torch.bool, device=device)
    for kind, edge in zip(kinds, (i == 0, i == shape[0] - 1, j == 0, j == shape[1] - 1), strict=True):
        if kind == DIRICHLET:
            on_wall = on_wall | edge
    return on_wall


def hold_walls(inputs: tuple[Tensor, ...], sides: Sides) -> tuple[Tensor, ...]:
    """Return the seven inputs with the values of Dirichlet walls in the source and in H[0] and H[-1].

    Raises
    ------
    ValueError, TypeError
        If a value does not fit its side, or nothing would be left between two walls.
    """
    values = {name: side.value for name, side in sides.items() if isinstance(side, Dirichlet)}
    if not values:
        return inputs
    if torch.is_autocast_enabled(inputs[0].device.type):  # which computes in float32: the values are not rounded first
        inputs = tuple(t if t.dtype == torch.float64 else t.float() for t in inputs)
    shape = torch.broadcast_shapes(*(t.shape for t in inputs))
    rows, columns = shape[-2:]
    sides.check_size((rows, columns))
    held = _planes(values, inputs[0], shape)
    on_wall = wall_mask(sides.kinds, (rows, columns), inputs[0].device)
    kept = [torch.where(on_wall, held, t) if i <= SOURCE else t for i, t in enumerate(inputs)]
    return tuple(kept)


def _planes(values: dict[str, Any], like: Tensor, shape: torch.Size) -> Tensor:
    """Return the values of the walls on the walls, zero elsewhere; the north and south ones win at a corner."""
    rows, columns = shape[-2:]
    held = like.new_zeros((rows, columns))
    for name in ("west", "east", "north", "south"):
        if name not in values:
            continue
        along_rows = name in ("west", "east")
        length = rows if along_rows else columns
        value = _tensor(name, values[name], like)
        if value.ndim and value.shape[-1] not in (1, length):
            raise ValueError(
                f"`boundary` {name} has values of shape {tuple(value.shape)}: it takes a number or (..., {length}), "
                "one value for each cell along that side."
            )
        value = value.expand(*value.shape[:-1], length).unsqueeze(-1 if along_rows else -2)
        try:
            torch.broadcast_shapes(value.shape[:-2], shape[:-2], held.shape[:-2])
        except RuntimeError:
            raise ValueError(
                f"`boundary` {name} has values with the leading dimensions {tuple(value.shape[:-2])}: they do not "
                f"broadcast with those of the planes, {tuple(shape[:-2])}, or of the other walls."
            ) from None
        here = wall_mask(_only(name), (rows, columns), like.device)
        held = torch.where(here, value, held)
    return held


def _tensor(name: str, value: Any, like: Tensor) -> Tensor:
    """Return the values of a wall as a tensor like `like`; those of a tensor are not looked at, as in the layer."""
    if isinstance(value, Tensor):
        return value.to(like)
    try:
        array = np.array(value, np.float64)
    except (TypeError, ValueError):
        raise TypeError(
            f"`boundary` {name} has values of type {type(value).__name__}: it takes real numbers, an array or a tensor."
        ) from None
    if not np.isfinite(array).all():
        raise ValueError(f"`boundary` {name} has values that are not finite: it takes finite values only.")
    return torch.from_numpy(array).to(like)


def _only(name: str) -> Kinds:
    """Return the kinds of a plane with one Dirichlet wall."""
    north, south, west, east = (DIRICHLET if side == name else NO_FLUX for side in NAMES)
    return north, south, west, east
