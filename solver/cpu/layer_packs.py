"""A layer in one pass over its input, packs of planes side by side: see `solver.cpu.layer` and `solver.cpu.lanes`.

Where channels are last a cell's numbers lie in memory as a pack has them, and no plane is turned around. Of an image in
planes it pays where rows are short.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from solver.compiling import kernel
from solver.cpu.convolution import TAPS
from solver.cpu.convolution_lanes import filter_lanes, finish_lanes, frame
from solver.cpu.copying import copy_run
from solver.cpu.flat import COEFFICIENTS
from solver.cpu.lanes_forward import begin_lanes, go_on, step_lanes
from solver.cpu.packing import Turning, make_starts, open_turning, pack_planes, write_pack
from solver.cpu.planes import LEVELS, STREAMED
from solver.cpu.pointers import keep_alive, pointer, seven
from solver.cpu.sharing import share_out
from solver.cpu.stack import Stack, make_stack, open_stack, plane_in
from solver.cpu.streaming import fence
from solver.cpu.tiles import fill_run
from solver.cpu.transposing import LANES, interleave

FIELDS = 4
# Packs of scratch: the fields, f = 0, I = H[0], the output and room to turn it around, coefficients, levels.
U, V, DX, DY, ZERO, IMAGE, OUTPUT, ROOM, KEPT = range(9)
LEVEL = KEPT + COEFFICIENTS
SLOTS = LEVEL + LEVELS
WEIGHTS, SHIFTS, SCALES, OFFSETS = 0, FIELDS * TAPS, FIELDS * (TAPS + 1), FIELDS * (TAPS + 1) + 1  # rows of numbers
ROWS = OFFSETS + 1


class LayerPack(NamedTuple):
    """Scratch for a pack."""

    made: Stack
    framed: Any
    "pointer to the image with a border of zeros"
    numbers: Any
    "pointer to what each plane has for itself, side by side: weights, shifts, scale and offset"
    turning: Turning


@kernel()
def layer_packs(out, image, layer, parts, ratios, extent, by_cell, span):
    """Evaluate the layer on a span of packs; `parts` as for `layer_planes.layer_planes`.

    `by_cell`: channels are last, and make whole packs.
    """
    share_out(layer_packs_some, (out, image, layer, parts, ratios, extent, by_cell), span)


@kernel(part=True)
def layer_packs_some(out, image, layer, parts, ratios, extent, by_cell, first, last):
    """Do so for packs first..last-1."""
    cells, framed = extent.rows * extent.columns, (extent.rows + 2) * (extent.columns + 2) * LANES
    held = (
        make_stack(SLOTS, cells * LANES, 0, out),
        make_stack(1, framed, 0, out),
        make_stack(1, ROWS * LANES, 0, out),
        make_starts(),
    )
    made = open_stack(held[0], cells * LANES, 0)
    turning = open_turning(held[3], plane_in(made, ROOM), cells)
    numbers = open_stack(held[2], ROWS * LANES, 0)
    pack = LayerPack(made, open_stack(held[1], framed, 0).planes, numbers.planes, turning)
    for field in range(DX, DY + 1):
        fill_run(plane_in(made, field), 0, cells * LANES, parts[3])
    packs_in(pack, out, image, layer, parts, ratios, extent, by_cell, first, last)
    keep_alive(out, image, layer, held)


@kernel(part=True)
def packs_in(pack, out, image, layer, parts, r, extent, by_cell, first, last):
    """Do so in the scratch that is given."""
    begin, end, source, _ = parts
    channels, cells, learned = layer[2].size, extent.rows * extent.columns, max(0, end - begin)
    now, done, planes = plane_in(pack.made, IMAGE), plane_in(pack.made, OUTPUT), image.size // cells
    scales, offsets, zero = row_of(pack, SCALES), row_of(pack, OFFSETS), r.one - r.one
    to, of = pointer(out, 0), pointer(image, 0)
    for p in range(first * LANES, last * LANES, LANES):
        at = p // channels * cells * channels + p % channels  # of the first cell, where channels are last
        if p == first * LANES or LANES % channels:
            load_numbers(pack, layer, learned, p, channels)
        if by_cell:
            for q in range(cells):
                copy_run(now, q * LANES, of, at + q * channels, LANES)
        else:
            pack_planes(now, pack.turning, of, p, planes)
        frame(pack.framed, now, extent.rows, extent.columns)
        for field in range(begin, end):
            weights, shifts = row_of(pack, WEIGHTS + (field - begin) * TAPS), row_of(pack, SHIFTS + field - begin)
            filter_lanes(plane_in(pack.made, field), pack.framed, weights, shifts, extent.rows, extent.columns, zero)
        new = advance(pack.made, source, extent, r)
        if by_cell:
            finish_lanes(to, at, channels, new, scales, offsets, cells, zero)
        else:
            finish_lanes(done, 0, LANES, new, scales, offsets, cells, zero)
            write_pack(to, cells, done, pack.turning, p, planes, out.nbytes > STREAMED)
    fence()


@kernel(inline=True)
def row_of(pack, which):
    """Return a pointer to one number of each plane."""
    return pointer(pack.numbers, which * LANES)


@kernel(part=True)
def load_numbers(pack, layer, learned, p, channels):
    """Bring those of planes p, p + 1, ... side by side; beyond the last one, of the channels that would follow."""
    filters, shifts, scales, offsets = layer
    for lane in range(LANES):
        channel = (p + lane) % channels
        pack.turning.starts[lane] = channel * learned * TAPS
        for field in range(learned):
            row_of(pack, SHIFTS + field)[lane] = shifts[channel * learned + field]
        row_of(pack, SCALES)[lane] = scales[channel]
        row_of(pack, OFFSETS)[lane] = offsets[channel]
    interleave(row_of(pack, WEIGHTS), pack.turning.places, pointer(filters, 0), pack.turning.starts, learned * TAPS)


@kernel(part=True)
def advance(made, source, extent, r):
    """Make all steps of a pack from I and its fields; return a pointer to H[K]."""
    before, new = plane_in(made, IMAGE), plane_in(made, LEVEL + 1)
    f = plane_in(made, IMAGE if source else ZERO)
    memory = before, before, f, plane_in(made, U), plane_in(made, V), plane_in(made, DX), plane_in(made, DY)
    if extent.steps == 0:
        return before
    if extent.steps == 1:
        step_lanes(new, memory, extent, r)
        return new
    c = seven(plane_in(made, KEPT), 0, made.pitch)
    begin_lanes(c, new, memory, extent, r)
    return go_on(c, made, LEVEL, before, new, extent, r)[1]
