"""A layer in training, some planes at a time: their fields in scratch, as inputs of the equation's own kernels.

Nothing of the fields is ever in memory as a whole: a cache holds those of a group of planes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from solver.compiling import kernel
from solver.cpu.by_cell import Order
from solver.cpu.field_bench import load_image, open_source
from solver.cpu.field_passes import make_values
from solver.cpu.pointers import keep_alive, pointer
from solver.cpu.transposing import LANES

OF_IMAGE, OF_ZERO, OF_CONSTANT = -1, -2, -3  # where an input of the equation comes from; else a field's number


class Learned(NamedTuple):
    """The planes of an image and what makes their fields."""

    image: Any
    "flat"
    order: Order
    "how it lies in memory"
    folded: Any
    "filters with the norm in them, flat"
    shifts: Any
    centres: Any
    "what is subtracted from each channel first; empty: nothing"
    shape: tuple[int, int, int, int]
    "C, n, rows, columns"
    planes: int
    group: int
    "so many planes at a time"


class Scheme(NamedTuple):
    """What is made of a group of planes."""

    origins: Any
    "where each of the seven inputs comes from"
    constants: Any
    "zero, and the number that Dx and Dy may be"
    table: Any
    "the layout of the inputs of a group: see `solver.cpu.layout`"
    ratios: Any
    extent: Any
    choice: Any
    "a constant of the compilation that the equation's kernel takes"


@kernel(part=True)
def input_of(origin, image, fields, constants, cells):
    """Return an input of a group of planes from where it comes."""
    if origin == OF_IMAGE:
        return image
    if origin >= 0:
        return fields[origin * cells :]
    return constants[OF_ZERO - origin :]


@kernel(inline=True)
def inputs_of(image, fields, scheme):
    """Return the seven inputs of a group of planes."""
    # Numbers from an array: each literal would be compiled apart.
    o, constants, cells = scheme.origins, scheme.constants, scheme.extent.rows * scheme.extent.columns
    return (
        input_of(o[0], image, fields, constants, cells),
        input_of(o[1], image, fields, constants, cells),
        input_of(o[2], image, fields, constants, cells),
        input_of(o[3], image, fields, constants, cells),
        input_of(o[4], image, fields, constants, cells),
        input_of(o[5], image, fields, constants, cells),
        input_of(o[6], image, fields, constants, cells),
    )


@kernel(part=True)
def make_fields(fields, bench, here, learned, first, last):
    """Make the fields of planes first..last-1, whose image is `here`."""
    _, n, rows, columns = learned.shape
    folded, shifts, out = pointer(learned.folded, 0), pointer(learned.shifts, 0), pointer(fields, 0)
    cells, zero = rows * columns, here.dtype.type(0)
    source = open_source(here, -first * cells, learned.centres)
    for p in range(first, last):
        load_image(bench, source, p)
        make_values(out, (p - first) * n * cells, bench, folded, shifts, False, learned.shape, p, zero)
    keep_alive(learned, fields, here)


@kernel(inline=True)
def packs(count):
    """Return how many packs so many planes make."""
    return (count + LANES - 1) // LANES
