"""The inputs of a whole plane under one index: cell q of the plane is cell q of every input.

An input of one value a plane is spread over a plane of scratch, in cache; one that has a value a cell is read in place.
A loop then needs one pointer an input and no more than a cell's index, those beside it and those a row away: with an
offset for each input and row, finding them cost more than the arithmetic of a row of 32 cells. Nothing outside a plane
is read, but by loops that go over the ends of rows as well: see `solver.cpu.margins`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from solver.compiling import kernel, point_function
from solver.cpu.copying import LINE
from solver.cpu.layout import NOW, OLD, PERIODIC, SOURCE
from solver.cpu.pointers import pointer, pointers_to, size_of
from solver.cpu.storing import pitch_of
from solver.cpu.tiles import fill_run


class Batched(NamedTuple):
    """The inputs of a batch of planes, as bare pointers: an array counts its references, once a plane for each use."""

    memory: tuple[Any, ...]
    "seven"
    table: Any
    "rows of `solver.cpu.layout.Layout`: cells, stride, repeat, planes of each"
    addresses: Any
    "those of `memory`"
    ahead: Any
    "addresses of what is asked for in advance"
    constants: Any
    "planes of scratch, one for each input of one value a plane"
    cells: int
    "of a plane"
    pitch: int
    "cells from one plane of scratch to the next"


@kernel(part=True)
def make_constants(table, cells, margin, like):
    """Allocate the planes over which inputs of one value are spread, so many cells of margin around them."""
    count = 0
    for which in range(7):
        count += table[which, 0] == 1
    return np.empty(count * pitch_of(cells, like.itemsize) + LINE // like.itemsize + 2 * margin, like.dtype)


@kernel(part=True)
def make_notes(arrays):
    """Allocate for the addresses of what is asked for in advance, seven inputs and a gradient, and note the inputs'."""
    notes = np.zeros(15, np.int64)
    for which in range(7):
        notes[8 + which] = arrays[which].ctypes.data
    return notes


@kernel(inline=True)
def open_batch(arrays, table, cells, margin, constants, notes):
    """Describe the inputs of a batch; whoever calls must hold all arrays."""
    memory = pointers_to(arrays)
    pitch = pitch_of(cells, constants.itemsize)
    flat = pointer(table.reshape(-1), 0)
    return Batched(memory, flat, pointer(notes, 8), pointer(notes, 0), pointer(constants, margin), cells, pitch)


@kernel(inline=True)
def base_of(table, which, p):
    """Offset of plane p of the batch in input `which`; divisions only where planes are shared."""
    stride, repeat, count = table[4 * which + 1], table[4 * which + 2], table[4 * which + 3]
    index = p if repeat == 1 else p // repeat
    return (index if index < count else index % count) * stride


@kernel(inline=True)
def turn_to(batch, p, first):
    """Return pointers to the seven inputs of plane p, the constant ones spread; `first` is the first turned to."""
    now, old, f, u, v, Dx, Dy = batch.memory
    spread = 0
    now, spread = plane_of(now, batch, 0, p, first, spread)
    old, spread = plane_of(old, batch, 1, p, first, spread)
    f, spread = plane_of(f, batch, 2, p, first, spread)
    u, spread = plane_of(u, batch, 3, p, first, spread)
    v, spread = plane_of(v, batch, 4, p, first, spread)
    Dx, spread = plane_of(Dx, batch, 5, p, first, spread)
    Dy, spread = plane_of(Dy, batch, 6, p, first, spread)
    return now, old, f, u, v, Dx, Dy


@kernel(inline=True)
def plane_of(memory, batch, which, p, first, spread):
    """Return a pointer to input `which` of plane p, and where the next constant is spread."""
    base = base_of(batch.table, which, p)
    if batch.table[4 * which] > 1 or batch.cells == 1:
        return pointer(memory, base), spread
    if p == first or (batch.table[4 * which + 3] > 1 and p % batch.table[4 * which + 2] == 0):
        fill_run(batch.constants, spread, batch.cells, memory[base])
    return pointer(batch.constants, spread), spread + batch.pitch


@kernel(inline=True)
def is_twin(batch, which):
    """Whether an input is H[0] itself."""
    table, same = batch.table, batch.addresses[which] == batch.addresses[NOW]
    for column in range(4):
        same = same and table[4 * which + column] == table[4 * NOW + column]
    return same


@kernel(inline=True)
def look_ahead(batch, p):
    """Note the addresses of plane p's inputs, of equal ones the first, and return how many there are."""
    count, table, size = 0, batch.table, size_of(batch.constants)
    for which in range(7):
        twin = which in (OLD, SOURCE) and is_twin(batch, which)
        if table[4 * which] > 1 and table[4 * which + 3] > 1 and not twin:
            batch.ahead[count] = batch.addresses[which] + base_of(table, which, p) * size
            count += 1
    return count


@point_function
def neighbours_along(i, count, sides, r):
    """Return the rows before and after row i of so many, and the signs of the velocity across them there.

    Beyond a wall a row is its own neighbour. `sides` begins with the kinds of the sides before and after; columns, with
    theirs, are rows to this.
    """
    before, after, of_before, of_after = i - 1, i + 1, r.one, r.one
    if i == 0:
        before = count - 1
        if sides[0] != PERIODIC:
            before, of_before = 0, -r.one
    if i == count - 1:
        after = 0
        if sides[1] != PERIODIC:
            after, of_after = i, -r.one
    return before, after, of_before, of_after


@point_function
def turned(sign, value):
    """Return a velocity times its sign, which is None where no wall can be near."""
    return value if sign is None else sign * value
