"""What one cell needs, whichever kernel it is made in: where its neighbours are, and its inputs.

The formulas are those of `solver.stencil`, which Numba compiles for the GPU as it does for the CPU.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from solver import stencil
from solver.compiling import point_function
from solver.cpu.layout import DIRICHLET
from solver.cuda.arguments import HALF
from solver.cuda.memory import fetch, word


class Place(NamedTuple):
    """A cell of a plane and its four neighbours, and the signs of a velocity there: -1 beyond a wall.

    Beyond a wall a cell is its own neighbour.
    """

    q: int
    north: int
    south: int
    west: int
    east: int
    of_north: Any
    of_south: Any
    of_west: Any
    of_east: Any
    walled: bool
    "whether the cell lies on a Dirichlet wall"


class Source(NamedTuple):
    """Where the seven inputs of a plane begin, and how far a cell's value is from the last: 0 where all share one."""

    starts: tuple[int, ...]
    steps: tuple[int, ...]


@point_function
def is_walled(i, j, rows, columns, sides):
    """Whether a cell of a plane lies on a Dirichlet wall."""
    return (
        (i == 0 and sides[0] == DIRICHLET)
        or (i == rows - 1 and sides[1] == DIRICHLET)
        or (j == 0 and sides[2] == DIRICHLET)
        or (j == columns - 1 and sides[3] == DIRICHLET)
    )


@point_function
def start_of(table, which, p):
    """Return where plane p of the batch begins in an input."""
    repeat, planes = table[2 * which + 1] >> HALF, table[2 * which + 1] & (1 << HALF) - 1
    return (p // repeat % planes) * (table[2 * which] >> 1)


@point_function
def step_of(table, which):
    """Return the distance from one cell's value to the next: 0 if all cells of a plane share one."""
    return word(table[2 * which] & 1)


@point_function
def source_of(table, p):
    """Return where the inputs of plane p are."""
    starts = (
        start_of(table, 0, p),
        start_of(table, 1, p),
        start_of(table, 2, p),
        start_of(table, 3, p),
        start_of(table, 4, p),
        start_of(table, 5, p),
        start_of(table, 6, p),
    )
    steps = (
        step_of(table, 0),
        step_of(table, 1),
        step_of(table, 2),
        step_of(table, 3),
        step_of(table, 4),
        step_of(table, 5),
        step_of(table, 6),
    )
    return Source(starts, steps)


@point_function
def read(arrays, source, which, q, one):
    """Return the value of an input in cell q, of the dtype of `one`."""
    return fetch(arrays[which], source.starts[which] + word(q * source.steps[which]), one)


@point_function
def assembled(arrays, source, place, r):
    """Return the seven coefficients of a cell; on a Dirichlet wall its update is the value that the source holds."""
    q, north, south, west, east = place.q, place.north, place.south, place.west, place.east
    f = read(arrays, source, 2, q, r.one)
    u_before, u_after = read(arrays, source, 3, north, r.one), read(arrays, source, 3, south, r.one)
    v_before, v_after = read(arrays, source, 4, west, r.one), read(arrays, source, 4, east, r.one)
    u = read(arrays, source, 3, q, r.one), place.of_north * u_before, place.of_south * u_after
    v = read(arrays, source, 4, q, r.one), place.of_west * v_before, place.of_east * v_after
    Dx = along(arrays, source, 5, q, north, south, r)
    Dy = along(arrays, source, 6, q, west, east, r)
    made = stencil.assemble(u, v, Dx, Dy, f, r)
    zero = r.one - r.one
    return (zero, zero, zero, zero, zero, zero, f) if place.walled else made


@point_function
def along(arrays, source, which, q, before, after, r):
    """Return a diffusivity of a cell and its two neighbours along an axis, which the published forms do not read."""
    own = read(arrays, source, which, q, r.one)
    if r.diffusivity_share is None:
        return own, own, own
    return own, read(arrays, source, which, before, r.one), read(arrays, source, which, after, r.one)
