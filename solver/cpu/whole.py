"""The first step of whole planes, straight from the inputs, which are read in place.

A row must cost little beside its arithmetic, so rows are not copied to be padded: with the copies of two inputs a row
of 32 cells took 345 cycles. Loops run over whole rows as if the cells beside a row in memory were the neighbours of its
ends, which is right for all but the two; these are made again, one at a time.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from solver import stencil
from solver.compiling import kernel, point_function
from solver.cpu.copying import prefetch_address
from solver.cpu.layout import PERIODIC
from solver.cpu.pointers import pointer
from solver.cpu.streaming import stream_run
from solver.cpu.tiles import LINE, fill_run

NOW, OLD, SOURCE, U, V, DX, DY = range(7)  # the order of solver.records.Inputs
SPARE = 16  # cells before and after the row of an input of one value


class Here(NamedTuple):
    """Where one plane's inputs lie, and the next one's."""

    memory: tuple[Any, ...]
    "seven pointers"
    at: Any
    "pointer to the seven offsets of the plane's first cell"
    pitch: Any
    "pointer to seven numbers: cells from one row to the next; 0 for a row that stands for all"
    ahead: Any
    "pointer to the addresses of what is asked for in advance"


class Reach(NamedTuple):
    """How far beyond its rows a plane may be read."""

    before: int
    "1 if no cell lies before the plane's first in some input, else 0"
    first: int
    "the loops over rows first..last-1 may go on to a whole cache line, in their own row and in those beside it"
    last: int


@kernel(part=True)
def make_room(columns, like):
    """Allocate the rows that stand for inputs of one value a plane."""
    return np.empty(7 * (columns + 2 * SPARE), like.dtype)


@kernel(part=True)
def make_notes():
    """Allocate what `Here` keeps."""
    return np.zeros(22, np.int64)


@kernel(inline=True)
def open_here(arrays, table, columns, constants, notes):
    """Decide where each input is read, for all planes of a batch."""
    at, pitch, ahead = pointer(notes, 0), pointer(notes, 7), pointer(notes, 14)
    for which in range(7):
        pitch[which] = 0 if table[which, 0] == 1 else columns
    rows = pointer(constants, 0)
    memory = (
        pointer(arrays[0], 0) if pitch[0] else rows,
        pointer(arrays[1], 0) if pitch[1] else rows,
        pointer(arrays[2], 0) if pitch[2] else rows,
        pointer(arrays[3], 0) if pitch[3] else rows,
        pointer(arrays[4], 0) if pitch[4] else rows,
        pointer(arrays[5], 0) if pitch[5] else rows,
        pointer(arrays[6], 0) if pitch[6] else rows,
    )
    return Here(memory, at, pitch, ahead)


@kernel(inline=True)
def plane_base(table, which, p):
    """Offset of plane p of the batch in input `which`; divisions only where planes are shared."""
    repeat, count = table[which, 2], table[which, 3]
    index = p if repeat == 1 else p // repeat
    return (index if index < count else index % count) * table[which, 1]


@point_function
def whole_row(extent):
    """Return the columns of a row, rounded up to whole cache lines."""
    line = LINE // extent.itemsize
    return (extent.columns + line - 1) // line * line


@kernel(inline=True)
def turn_to_plane(here, arrays, table, p, extent, constants):
    """Go to plane p of the batch. Return a `Reach`."""
    rows, columns, whole = extent.rows, extent.columns, whole_row(extent)
    before, first, last = 0, 0, rows
    for which in range(7):
        base = plane_base(table, which, p)
        if here.pitch[which]:
            here.at[which] = base
            rest = arrays[which].size - base
            if base == 0:
                before = 1
            if rest < rows * columns + whole - columns + 1:
                # Row i reads up to the end of row i + 1, and the first perhaps the last.
                first = 1 if whole > columns else 0
                last = min(last, rows - 1 if whole == columns else max(0, (rest - whole - 1) // columns))
        else:
            row = which * (columns + 2 * SPARE)
            fill_run(pointer(constants, 0), row, columns + 2 * SPARE, arrays[which][base])
            here.at[which] = row + SPARE
    return Reach(before, first, last)


@point_function
def row_range(i, reach, extent):
    """Return the first and last cell of the loop over row i, which is to leave no cell over for a loop of single cells.

    The cells beyond the row that it makes are made again with their own row. Where memory ends, the ends of the row are
    left out, which are made apart.
    """
    inside = reach.first <= i < reach.last
    return reach.before if i == 0 else 0, whole_row(extent) if inside else extent.columns - 1


@kernel(inline=True)
def look_ahead(here, arrays, table, p):
    """Note the addresses of plane p's inputs, of equal ones the first, and return how many there are."""
    count = 0
    for which in range(7):
        twin = which in (OLD, SOURCE) and arrays[which].ctypes.data == arrays[NOW].ctypes.data
        if here.pitch[which] and table[which, 3] > 1 and not twin:
            here.ahead[count] = arrays[which].ctypes.data + plane_base(table, which, p) * arrays[which].itemsize
            count += 1
    return count


@point_function
def numbers(j, west, east, v_west, v_east, memory, rows, before, after, r):
    """Return the coefficients of cell j of a row and the cells of H that they multiply, H[k-1] first.

    Its neighbours along the row are the cells `west` and `east`; `rows` are the offsets of the row in all inputs, and
    of the rows before and after it in H, u and Dx.
    """
    now, old, f, u, v, Dx, Dy = memory
    row, north, south = rows
    D_x, D_y = Dx[row[DX] + j], Dy[row[DY] + j]
    Dx_north, Dx_south, Dy_west, Dy_east = D_x, D_x, D_y, D_y
    if r.diffusivity_share is not None:
        Dx_north, Dx_south = Dx[north[2] + j], Dx[south[2] + j]
        Dy_west, Dy_east = Dy[row[DY] + west], Dy[row[DY] + east]
    c = stencil.assemble(
        (u[row[U] + j], before * u[north[1] + j], after * u[south[1] + j]),
        (v[row[V] + j], v_west, v_east),
        (D_x, Dx_north, Dx_south),
        (D_y, Dy_west, Dy_east),
        f[row[SOURCE] + j],
        r,
    )
    H = now[row[NOW] + j], now[north[0] + j], now[south[0] + j], now[row[NOW] + west], now[row[NOW] + east]
    return c, (old[row[OLD] + j], *H)


@point_function
def stepped(c, H):
    """Return H[k+1] from both."""
    return stencil.step(c, H[0], H[1], H[2], H[3], H[4], H[5])


@point_function
def beside(j, n, sides, v, row, r):
    """Return the neighbours of cell j, the first or last of a row, and v there: beyond a wall it turns around."""
    west, east, v_west, v_east = j - 1, j + 1, r.one, r.one
    if j == 0:
        west = n - 1
        if sides[2] != PERIODIC:
            west, v_west = 0, -r.one
    if j == n - 1:
        east = 0
        if sides[3] != PERIODIC:
            east, v_east = j, -r.one
    return west, east, v_west * v[row + west], v_east * v[row + east]


@point_function
def neighbours(i, rows, sides):
    """Return the rows before and after row i; beyond a wall a row is its own neighbour."""
    north, south = i - 1, i + 1
    if i == 0:
        north = rows - 1 if sides[0] == PERIODIC else 0
    if i == rows - 1:
        south = 0 if sides[1] == PERIODIC else i
    return north, south


@point_function
def offsets(here, i, rows, sides, r):
    """Return the offsets of row i and of the rows before and after it, and the signs of u there."""
    at, pitch = here.at, here.pitch
    north, south = neighbours(i, rows, sides)
    before = -r.one if i == 0 and sides[0] != PERIODIC else r.one
    after = -r.one if i == rows - 1 and sides[1] != PERIODIC else r.one
    row = (
        at[0] + i * pitch[0],
        at[1] + i * pitch[1],
        at[2] + i * pitch[2],
        at[3] + i * pitch[3],
        at[4] + i * pitch[4],
        at[5] + i * pitch[5],
        at[6] + i * pitch[6],
    )
    beyond = at[NOW] + north * pitch[NOW], at[U] + north * pitch[U], at[DX] + north * pitch[DX]
    behind = at[NOW] + south * pitch[NOW], at[U] + south * pitch[U], at[DX] + south * pitch[DX]
    return (row, beyond, behind), before, after


@point_function
def ask(here, streams, i, n, itemsize):
    """Ask for row i of what comes next: a few lines at a time, more would fill the line buffers and wait."""
    for m in range(streams):
        prefetch_address(here.ahead[m] + i * n * itemsize, n * itemsize)


@kernel(apart=True, part=True)
def step_plane(new, out, at, streamed, here, reach, streams, extent, r):
    """Make one step of a plane in `new`; if it is to be streamed, write it past the caches to out[at :] meanwhile."""
    v, rows, n, sides = here.memory[V], extent.rows, extent.columns, extent.sides
    line, done, due = LINE // extent.itemsize, 0, 0
    for i in range(rows):
        ask(here, streams, i, n, extent.itemsize)
        where, before, after = offsets(here, i, rows, sides, r)
        to, v_at = i * n, where[0][V]
        for j in range(*row_range(i, reach, extent)):
            c, H = numbers(j, j - 1, j + 1, v[v_at + j - 1], v[v_at + j + 1], here.memory, where, before, after, r)
            new[to + j] = stepped(c, H)
        for end in range(2):
            j = end * (n - 1)
            west, east, v_west, v_east = beside(j, n, sides, v, v_at, r)
            c, H = numbers(j, west, east, v_west, v_east, here.memory, where, before, after, r)
            new[to + j] = stepped(c, H)
        # A row behind: what was just written in parts is not yet there to be read as a whole.
        if streamed:
            stream_run(out, at + done, new, done, due - done)
            done, due = due, (i + 1) * n // line * line
    if streamed:
        stream_run(out, at + done, new, done, rows * n - done)


@kernel(apart=True, part=True)
def begin_plane(c, work, here, reach, streams, extent, room, r):
    """Make one step of a plane into the odd level of a room, copy H to the even one, and keep the coefficients."""
    v, rows, n, sides = here.memory[V], extent.rows, extent.columns, extent.sides
    for i in range(rows):
        ask(here, streams, i, n, extent.itemsize)
        where, before, after = offsets(here, i, rows, sides, r)
        to, v_at = room.lead + i * room.stride, where[0][V]
        for j in range(*row_range(i, reach, extent)):
            made, H = numbers(j, j - 1, j + 1, v[v_at + j - 1], v[v_at + j + 1], here.memory, where, before, after, r)
            keep(c, work, to + j, made, H, room)
        for end in range(2):
            j = end * (n - 1)
            west, east, v_west, v_east = beside(j, n, sides, v, v_at, r)
            made, H = numbers(j, west, east, v_west, v_east, here.memory, where, before, after, r)
            keep(c, work, to + j, made, H, room)


@point_function
def keep(c, work, q, made, H, room):
    """Write the coefficients of a cell, its H[k] and H[k+1]."""
    c[0][q], c[1][q], c[2][q], c[3][q], c[4][q], c[5][q], c[6][q] = made
    work[q] = H[1]
    work[room.plane + q] = stepped(made, H)
