"""A layer in one pass over its input: convolutions that make the fields, K time steps, an affine map, a ReLU.

    u, v, Dx, Dy = ReLU(3 x 3 convolutions of I + shifts),    H[0] = H[-1] = I,    out = ReLU(scale H[K] + offset)

each channel by itself, with zeros around I for the convolution whatever the sides are for the equation. A plane is
done while it is in cache, and its fields never leave it: I is read once, the output written once.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from solver.compiling import kernel
from solver.cpu import plane
from solver.cpu.convolution import TAPS, convolve_pair, finish
from solver.cpu.copying import prefetch
from solver.cpu.layout import Extent
from solver.cpu.steps import advance, begin_steps, step_once
from solver.cpu.threads import Team, own_team, share
from solver.records import Array, Mesh, Ratios

COEFFICIENTS = 7
FIELDS = 4
SLOTS = COEFFICIENTS + FIELDS + 3  # and two time levels, and zeros


class Layer(NamedTuple):
    """The numbers of a layer of C channels, n of whose fields are learned: contiguous, in the dtype of the input."""

    filters: Array
    "(C, n, 9)"
    shifts: Array
    "(C, n)"
    scales: Array
    "(C,): of the output"
    offsets: Array
    "(C,)"


class Parts(NamedTuple):
    """Which fields are learned, and what takes the place of the rest."""

    velocity: bool = True
    "whether u and v are; else they are zero"
    diffusivity: float | None = None
    "None: Dx and Dy are; else the number that both are"
    source: bool = True
    "whether f = I; else zero"

    @property
    def learned(self) -> range:
        """Which of u, v, Dx, Dy (0 to 3) are learned."""
        return range(0 if self.velocity else 2, FIELDS if self.diffusivity is None else 2)


def evaluate(
    out: Array, image: Array, layer: Layer, parts: Parts, mesh: Mesh, steps: int, team: Team | None = None
) -> None:
    """Write the layer's output for `image`, (N, C, rows, columns), into `out`; both contiguous.

    The sides of `mesh` are periodic or no-flux. `team` are the threads to use, by default NUMBA_NUM_THREADS of our own.
    """
    if not out.size:
        return
    learned, constant = parts.learned, out.dtype.type(parts.diffusivity or 0)
    chosen = (learned.start, max(learned.start, learned.stop), parts.source, constant)
    flat = tuple(a.reshape(-1) for a in layer)
    ratios, extent = Ratios.of(mesh, out.dtype).pruned(), Extent.of(out.shape, steps, mesh)
    arguments = (out.reshape(-1), image.reshape(-1), flat, chosen, ratios, extent)
    team = (team or own_team()).for_work(out.size * (steps + len(learned)))
    share(layer_planes, arguments, prod(out.shape[:-2]), team)


@kernel()
def clear_border(a, rows, columns):
    """Put zeros around a padded plane."""
    S = columns + 2
    a[: S + 1] = 0
    for i in range(1, rows + 1):
        a[i * S + columns + 1] = 0
        a[(i + 1) * S] = 0
    a[(rows + 1) * S + 1 : (rows + 2) * S] = 0


@kernel()
def border_fields(fields, learned, rows, columns, sides):
    """Fill the border of u, v, Dx, Dy along the axis on which each is read."""
    for n in range(learned[0], learned[1], 2):
        plane.wrap_rows(fields[n], rows, columns, sides)
        plane.wrap_columns(fields[n + 1], 1, rows + 1, columns, sides)
    if learned[0] == 0:
        plane.turn_rows(fields[0], rows, columns, sides)
        plane.turn_columns(fields[1], 1, rows + 1, columns, sides)


@kernel()
def layer_planes(out, image, layer, parts, ratios, extent, first, last):
    """Evaluate the layer on planes first..last-1; `parts` is (first learned field, end, whether f = I, constant D)."""
    filters, shifts, scales, offsets = layer
    begin, end, source, constant = parts
    rows, columns, sides = extent.rows, extent.columns, extent.sides
    cells, channels, learned = rows * columns, scales.size, max(0, end - begin)
    scratch = plane.padded_planes(SLOTS, rows, columns, out)
    c, fields, nothing = scratch[:COEFFICIENTS], scratch[COEFFICIENTS : COEFFICIENTS + FIELDS], scratch[SLOTS - 1]
    fields[2:] = constant
    start, stop = columns + 3, (rows + 1) * (columns + 2) - 1
    for p in range(first, last):
        now, new = scratch[SLOTS - 3], scratch[SLOTS - 2]
        channel = p % channels
        plane.load_rows(now, image[p * cells : (p + 1) * cells], 0, rows, columns)
        if p + 1 < last:
            prefetch(image, (p + 1) * cells, cells)
        clear_border(now, rows, columns)
        for n in range(begin, end, 2):
            at = channel * learned + n - begin
            pair = filters[at * TAPS : (at + 2) * TAPS]
            convolve_pair(fields[n], fields[n + 1], now, pair, shifts[at : at + 2], start, stop, columns)
        border_fields(fields, (begin, end), rows, columns, sides)
        f = now if source else nothing
        u, v, Dx, Dy = fields[0], fields[1], fields[2], fields[3]
        if extent.steps == 1:
            plane.wrap(now, rows, columns, sides)
            step_once(new, now, u, v, Dx, Dy, f, start, stop, columns, ratios)
            now = new
        elif extent.steps > 1:
            plane.wrap(now, rows, columns, sides)
            begin_steps(c, new, now, u, v, Dx, Dy, f, start, stop, columns, ratios)
            old, now = now, new
            for _ in range(1, extent.steps):
                plane.wrap(now, rows, columns, sides)
                advance(old, c, now, start, stop, columns)
                old, now = now, old
        finish(now, scales[channel], offsets[channel], start, stop)
        plane.store_rows(out[p * cells : (p + 1) * cells], now, 0, rows, columns)
