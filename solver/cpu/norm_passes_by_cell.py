"""Passes of a BatchNorm and the ReLU behind it over an image whose channels lie side by side, cell after cell.

The numbers of the channels are repeated to a tile of some vectors, so that a loop over it goes through whole vectors
however many channels there are. Tiles are gone over in blocks, which a first-level cache holds, and whose sums are
taken apart; see `solver.cpu.rectified_norm`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from solver.compiling import kernel
from solver.cpu.norm_formulas import of_x, of_z, value
from solver.cpu.pointers import keep_alive, pointer
from solver.cpu.sharing import share_out
from solver.cpu.vectors import take_widest


class Blocks(NamedTuple):
    """How an image is cut."""

    size: int
    "numbers of a block, whole tiles"
    tile: int
    "numbers of a tile, whole cells"
    channels: int
    total: int
    "numbers of the image, with which the last block ends"


@kernel(part=True, apart=True)
def add_tiles(sums, x, first, last, tile, zero):
    """Sum the tiles of a block."""
    take_widest()
    for q in range(tile):
        sums[q] = zero
    for at in range(first, last, tile):
        for q in range(min(tile, last - at)):
            sums[q] += x[at + q]


@kernel(part=True, apart=True)
def add_squares(sums, x, near, first, last, tile, zero):
    """Sum the squares of deviations from a number for each place in a tile."""
    take_widest()
    for q in range(tile):
        sums[q] = zero
    for at in range(first, last, tile):
        for q in range(min(tile, last - at)):
            sums[q] += (x[at + q] - near[q]) * (x[at + q] - near[q])


@kernel(part=True)
def folded(sums, c, blocks):
    """Return the sum for channel c of a tile's places."""
    found = 0.0
    for q in range(c, blocks.tile, blocks.channels):
        found += np.float64(sums[q])
    return found


@kernel()
def moments(means, squares, x, extent, span):
    """Write the mean of each channel of each block, and the sum of squares of deviations from it."""
    share_out(moments_some, (means, squares, x, extent), span)


@kernel(part=True)
def moments_some(means, squares, x, blocks, first, last):
    """Do so for blocks first..last-1."""
    zero, source, C, tile = x.dtype.type(0), pointer(x, 0), blocks.channels, blocks.tile
    store = np.empty(2 * tile, x.dtype)
    sums, near = pointer(store, 0), pointer(store, tile)
    for block in range(first, last):
        begin, end = block * blocks.size, min((block + 1) * blocks.size, blocks.total)
        cells = (end - begin) // C
        add_tiles(sums, source, begin, end, tile, zero)
        for c in range(C):
            means[block * C + c] = folded(sums, c, blocks) / cells
        for q in range(tile):
            near[q] = means[block * C + q % C]
        add_squares(sums, source, near, begin, end, tile, zero)
        for c in range(C):
            off = means[block * C + c] - near[c]
            squares[block * C + c] = folded(sums, c, blocks) - cells * off * off
    keep_alive(x, store)


@kernel(part=True, apart=True)
def rectify_tiles(y, x, s, scales, shifts, first, last, tile, zero):
    """Write y of a block."""
    take_widest()
    for at in range(first, last, tile):
        for q in range(min(tile, last - at)):
            y[at + q] = value(x[at + q], None if s is None else s[at + q], scales[q], shifts[q], zero)


@kernel()
def rectify(y, x, s, scales, shifts, extent, span):
    """Write y, with a scale and a shift for each place in a tile; s may be None."""
    share_out(rectify_some, (y, x, s, scales, shifts, extent), span)


@kernel(part=True)
def rectify_some(y, x, s, scales, shifts, blocks, first, last):
    """Do so for blocks first..last-1."""
    to, source, beside = pointer(y, 0), pointer(x, 0), None if s is None else pointer(s, 0)
    begin, end = first * blocks.size, min(last * blocks.size, blocks.total)
    rectify_tiles(
        to, source, beside, pointer(scales, 0), pointer(shifts, 0), begin, end, blocks.tile, x.dtype.type(0)
    )  # fmt: skip
    keep_alive(y, x, s, scales, shifts)


@kernel(part=True, apart=True)
def add_products(totals, found, to, g, x, y, scales, shifts, means, first, last, tile, zero):
    """Sum the gradient of z, and that times x - mean; write it into `to` if that is not None."""
    take_widest()
    for q in range(tile):
        totals[q], found[q] = zero, zero
    for at in range(first, last, tile):
        for q in range(min(tile, last - at)):
            made = of_z(g[at + q], x[at + q], None if y is None else y[at + q], scales[q], shifts[q], zero)
            if to is not None:
                to[at + q] = made
            totals[q] += made
            found[q] += made * (x[at + q] - means[q])


@kernel()
def products(totals, found, to, g, x, y, scales, shifts, means, extent, span):
    """Write both sums of each channel of each block, and the gradient of z into `to` if that is not None."""
    share_out(products_some, (totals, found, to, g, x, y, scales, shifts, means, extent), span)


@kernel(part=True)
def products_some(totals, found, to, g, x, y, scales, shifts, means, blocks, first, last):
    """Do so for blocks first..last-1."""
    made, of_y, source = None if to is None else pointer(to, 0), pointer(g, 0), pointer(x, 0)
    result, tile, C = None if y is None else pointer(y, 0), blocks.tile, blocks.channels
    scale, shift, mean = pointer(scales, 0), pointer(shifts, 0), pointer(means, 0)
    store = np.empty(2 * tile, x.dtype)
    a, b = pointer(store, 0), pointer(store, tile)
    for block in range(first, last):
        begin, end = block * blocks.size, min((block + 1) * blocks.size, blocks.total)
        add_products(a, b, made, of_y, source, result, scale, shift, mean, begin, end, tile, x.dtype.type(0))
        for c in range(C):
            totals[block * C + c], found[block * C + c] = folded(a, c, blocks), folded(b, c, blocks)
    keep_alive(to, g, x, y, scales, shifts, means, store)


@kernel(part=True, apart=True)
def pull_tiles(to, g, x, rectifies, scales, shifts, means, levels, slopes, first, last, tile, zero):
    """Write the gradient of x of a block."""
    take_widest()
    for at in range(first, last, tile):
        for q in range(min(tile, last - at)):
            here = at + q
            made = g[here] if rectifies is None else of_z(g[here], x[here], None, scales[q], shifts[q], zero)
            to[here] = of_x(made, x[here], (scales[q], means[q], levels[q], slopes[q]))


@kernel()
def pull(to, g, x, rectifies, scales, shifts, means, levels, slopes, extent, span):
    """Write the gradient of x; `g` is that of z where `rectifies` is None, else that of ReLU(z), z made from x."""
    share_out(pull_some, (to, g, x, rectifies, scales, shifts, means, levels, slopes, extent), span)


@kernel(part=True)
def pull_some(to, g, x, rectifies, scales, shifts, means, levels, slopes, blocks, first, last):
    """Do so for blocks first..last-1."""
    begin, end = first * blocks.size, min(last * blocks.size, blocks.total)
    numbers = pointer(scales, 0), pointer(shifts, 0), pointer(means, 0), pointer(levels, 0), pointer(slopes, 0)
    pull_tiles(
        pointer(to, 0), pointer(g, 0), pointer(x, 0), rectifies, *numbers, begin, end, blocks.tile, x.dtype.type(0)
    )
    keep_alive(to, g, x, scales, shifts, means, levels, slopes)
