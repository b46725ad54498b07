"""A plane on the bench: its image with a border, and room for what is made of it, flat.

A plane is copied into scratch with a border and is flat there: loops run over all rows at once, border columns
included. What they make of those is set to what adds nothing before it is summed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from solver.compiling import kernel
from solver.cpu import plane
from solver.cpu.copying import copy_rows
from solver.cpu.pointers import pointer
from solver.cpu.rows import Around
from solver.cpu.tiles import fill_run
from solver.cpu.vectors import take_widest

IMAGE, FIRST, SECOND, MADE, SLOTS = range(5)  # planes of scratch


class Bench(NamedTuple):
    """Where a plane's parts lie: offsets of the first cell of the first row's border, from one pointer."""

    work: Any
    "pointer to all of it"
    image: int
    first: int
    "one of two fields that are made at a time"
    second: int
    made: int
    "what is made of both"
    size: int
    "cells of all rows, border columns included"
    S: int
    "cells from one row to the next"
    rows: int
    columns: int


@kernel(part=True)
def scratch(shape, like):
    """Allocate the planes; (C, n, rows, columns) is `shape`."""
    # A row before the image and one behind it, for the neighbours of the corners.
    return plane.padded_planes(SLOTS, shape[2] + 2, shape[3], like)


@kernel(inline=True)
def open_bench(planes, shape):
    """Lay out the planes of `scratch`, which whoever calls must hold."""
    rows, columns, pitch = shape[2], shape[3], planes.shape[1]
    S = columns + 2
    at = 2 * S
    return Bench(
        pointer(planes.reshape(-1), 0),
        IMAGE * pitch + at,
        FIRST * pitch + at,
        SECOND * pitch + at,
        MADE * pitch + at,
        rows * S,
        S,
        rows,
        columns,
    )


@kernel(inline=True)
def around(at, S):
    """Return where the neighbours of a flat plane's cells lie."""
    return Around(at, at - S, at + S)


@kernel(part=True)
def load(work, at, source, start, rows, columns):
    """Copy a plane into scratch; its borders stay as they are."""
    copy_rows(work, at + 1, columns + 2, source, start, columns, rows, columns)


@kernel(apart=True, part=True)
def shift_run(a, at, n, value):
    """Subtract a value from n cells."""
    take_widest()
    for q in range(n):
        a[at + q] = a[at + q] - value


@kernel(inline=True)
def load_image(bench, source, p):
    """Put plane p of an image on the bench, with a border of zeros; less a number of its channel, if there are such."""
    image, centres, channels, zero = source
    load(bench.work, bench.image, image, p * bench.rows * bench.columns, bench.rows, bench.columns)
    if channels:
        shift_image(bench, centres[p % channels], zero)


@kernel(part=True)
def shift_image(bench, centre, zero):
    """Subtract a number from the image on the bench, and from the zeros around it."""
    work, at, S = bench.work, bench.image, bench.S
    fill_borders(work, at, bench.rows, bench.columns, zero)
    fill_run(work, at - S, S, zero)
    fill_run(work, at + bench.size, S, zero)
    shift_run(work, at - S, bench.size + 2 * S, centre)


@kernel(inline=True)
def open_source(image, at, centres):
    """Describe an image and what is subtracted from each of its channels, if anything; whoever calls holds both.

    Its first plane is at `at`, which is negative where only later ones are there.
    """
    return pointer(image, at), pointer(centres, 0), centres.size, image.dtype.type(0)


@kernel(part=True)
def unload(to, start, work, at, rows, columns):
    """Copy a plane out of scratch, without its borders."""
    copy_rows(to, start, columns, work, at + 1, columns + 2, rows, columns)


@kernel(part=True)
def fill_borders(a, at, rows, columns, value):
    """Set the border columns of a flat plane."""
    S = columns + 2
    for i in range(rows):
        a[at + i * S] = value
        a[at + i * S + S - 1] = value
