"""The first and the last cells of all rows, gathered from a plane so that rows become lanes of a vector.

In a loop over a whole plane the cells beside a row in memory are taken for the neighbours of its ends. These are made
again here: one at a time they cost a third of a step, as columns of contiguous numbers next to nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from solver.compiling import kernel, point_function
from solver.cpu.copying import LINE
from solver.cpu.layout import DX, DY, NOW, OLD, PERIODIC, SOURCE, U, V
from solver.cpu.pointers import pointer
from solver.cpu.storing import pitch_of
from solver.cpu.uniform import is_twin, make_constants, make_notes, open_batch
from solver.cpu.vectors import take_widest

READ = 13  # columns that a step reads, see Columns
FREE = 7  # more, for what the adjoint makes of a column


class End(NamedTuple):
    """The first or the last column: where it lies and what is beside it."""

    cell: int
    west: int
    "columns beside it; beyond a wall it is its own neighbour"
    east: int
    of_west: Any
    "signs of v there: -1 beyond a wall"
    of_east: Any


class Columns(NamedTuple):
    """What the cells of one column read: pointers to a number a row, and one before the first and after the last."""

    now: Any
    now_west: Any
    now_east: Any
    old: Any
    source: Any
    u: Any
    v: Any
    v_west: Any
    v_east: Any
    Dx: Any
    Dy: Any
    Dy_west: Any
    Dy_east: Any
    free: Any
    "for what else there is to gather, and for results"
    pitch: int
    "from one of these to the next"
    has_old: bool
    "whether H[k-1] is another input than H[k]"
    has_source: bool
    "whether the source is"


@point_function
def end_of_rows(last, n, sides, r):
    """Describe the first cells of rows of n, or the last ones."""
    west, of_west = (n - 1, r.one) if sides[2] == PERIODIC else (0, -r.one)
    east, of_east = (0, r.one) if sides[3] == PERIODIC else (n - 1, -r.one)
    if last:
        return End(n - 1, n - 2 if n > 1 else west, east, r.one if n > 1 else of_west, of_east)
    return End(0, west, 1 if n > 1 else east, of_west, r.one if n > 1 else of_east)


@kernel(part=True)
def make_columns(rows, like):
    """Allocate for the columns of one plane."""
    return np.zeros((READ + FREE) * pitch_of(rows, like.itemsize) + LINE // like.itemsize, like.dtype)


@kernel(inline=True)
def open_columns(store, rows, batch):
    """Lay the columns out; an input that is H[0] itself needs none."""
    has_old, has_source = not is_twin(batch, OLD), not is_twin(batch, SOURCE)
    line, pitch = LINE // store.itemsize, pitch_of(rows, store.itemsize)
    start = (-(store.ctypes.data // store.itemsize)) % line + line
    return Columns(
        pointer(store, start),
        pointer(store, start + pitch),
        pointer(store, start + 2 * pitch),
        pointer(store, start + 3 * pitch if has_old else start),
        pointer(store, start + 4 * pitch if has_source else start),
        pointer(store, start + 5 * pitch),
        pointer(store, start + 6 * pitch),
        pointer(store, start + 7 * pitch),
        pointer(store, start + 8 * pitch),
        pointer(store, start + 9 * pitch),
        pointer(store, start + 10 * pitch),
        pointer(store, start + 11 * pitch),
        pointer(store, start + 12 * pitch),
        pointer(store, start + READ * pitch),
        pitch,
        has_old,
        has_source,
    )


@kernel(part=True)
def make_room(arrays, table, rows, cells, like):
    """Allocate what a thread needs to read planes: for constants, for notes and for columns."""
    return make_constants(table, cells, 0, like), make_notes(arrays), make_columns(rows, like)


@kernel(inline=True)
def open_inputs(arrays, table, rows, cells, room):
    """Describe the inputs of a batch and the columns; whoever calls must hold all arrays and the room."""
    constants, notes, gathered = room
    batch = open_batch(arrays, table, cells, 0, constants, notes)
    return batch, open_columns(gathered, rows, batch)


@kernel(apart=True, part=True)
def gather(to, plane, column, rows, n, sign):
    """Gather a column of a plane, times a sign."""
    take_widest()
    for i in range(rows):
        to[i] = sign * plane[column + i * n]


@kernel(apart=True, part=True)
def scatter(plane, column, source, rows, n):
    """Put a column back."""
    for i in range(rows):
        plane[column + i * n] = source[i]


@kernel(inline=True)
def gather_closed(to, plane, column, extent, mirror, one):
    """Gather a column with what lies north and south of it: the other end, or `mirror` times its own."""
    rows, (north, south, _, _) = extent.rows, extent.sides
    gather(to, plane, column, rows, extent.columns, one)
    to[-1] = to[rows - 1] if north == PERIODIC else mirror * to[0]
    to[rows] = to[0] if south == PERIODIC else mirror * to[rows - 1]


@kernel(inline=True)
def gather_inputs(columns, memory, end, extent, r):
    """Gather what a step of one column reads."""
    rows, n, one = extent.rows, extent.columns, r.one
    now, j = memory[NOW], end.cell
    gather_closed(columns.now, now, j, extent, one, one)
    gather(columns.now_west, now, end.west, rows, n, one)
    gather(columns.now_east, now, end.east, rows, n, one)
    if columns.has_old:
        gather(columns.old, memory[OLD], j, rows, n, one)
    if columns.has_source:
        gather(columns.source, memory[SOURCE], j, rows, n, one)
    gather_closed(columns.u, memory[U], j, extent, -one, one)
    gather(columns.v, memory[V], j, rows, n, one)
    gather(columns.v_west, memory[V], end.west, rows, n, end.of_west)
    gather(columns.v_east, memory[V], end.east, rows, n, end.of_east)
    gather_closed(columns.Dx, memory[DX], j, extent, one, one)
    gather(columns.Dy, memory[DY], j, rows, n, one)
    if r.diffusivity_share is not None:
        gather(columns.Dy_west, memory[DY], end.west, rows, n, one)
        gather(columns.Dy_east, memory[DY], end.east, rows, n, one)


@point_function
def fields_of_row(i, columns, r):
    """Return u, v, Dx, Dy and f of row i, as `stencil.assemble` takes them."""
    u, v, Dx = columns.u, columns.v, columns.Dx
    D_y = columns.Dy[i], columns.Dy[i], columns.Dy[i]
    D_x = Dx[i], Dx[i], Dx[i]
    if r.diffusivity_share is not None:
        D_x = Dx[i], Dx[i - 1], Dx[i + 1]
        D_y = columns.Dy[i], columns.Dy_west[i], columns.Dy_east[i]
    return (u[i], u[i - 1], u[i + 1]), (v[i], columns.v_west[i], columns.v_east[i]), D_x, D_y, columns.source[i]


@point_function
def levels_of_row(i, columns):
    """Return H[k-1] of row i, and H[k] of it and its four neighbours."""
    now = columns.now
    return columns.old[i], now[i], now[i - 1], now[i + 1], columns.now_west[i], columns.now_east[i]
