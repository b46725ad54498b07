"""What a launch takes of a call, packed: each number costs more than a microsecond, and None cannot be given."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from solver.compiling import point_function
from solver.records import Mesh, Ratios

Table = tuple[tuple[int, ...], ...]
HALF = 32  # bits
SIDE, SIDES = 3, 4  # a mask of the bits of a side's kind, and how many there are


@lru_cache(maxsize=256)
def pack_table(table: Table) -> tuple[int, ...]:
    """Return two numbers for each input: stride and whether a cell has its own value; repeat and planes."""
    packed = (((stride << 1) | (cells > 1), (repeat << HALF) | planes) for cells, stride, repeat, planes in table)
    return tuple(number for two in packed for number in two)


def pack_sides(sides: tuple[int, ...]) -> int:
    """Return four kinds of sides in one number."""
    return sum(kind << 2 * n for n, kind in enumerate(sides))


@point_function
def sides_of(packed):
    """Return the four kinds."""
    return packed & SIDE, packed >> 2 & SIDE, packed >> 4 & SIDE, packed >> 6 & SIDE


@lru_cache(maxsize=64)
def numbers_of(mesh: Mesh, dtype: np.dtype[Any]) -> tuple[Any, ...]:
    """Return those of the ratios that differ from call to call; a backend without filter needs no others."""
    r = Ratios.of(mesh, dtype)
    return r.x, r.y, r.xx, r.yy, r.source, r.velocity_share, r.diffusivity_share


@point_function
def all_ratios(numbers, one):
    """Return the ratios of any form; `one` is 1 in their dtype."""
    x, y, xx, yy, source, velocity_share, diffusivity_share = numbers
    half = one / (one + one)
    return Ratios(x, y, xx, yy, source, half, one, velocity_share, diffusivity_share, None, None)


@point_function
def pruned_ratios(numbers, one):
    """Return those of the published forms; see `Ratios.pruned`."""
    x, y, xx, yy, source, _, _ = numbers
    half = one / (one + one)
    return Ratios(x, y, xx, yy, source, half, one, None, None, None, None)
