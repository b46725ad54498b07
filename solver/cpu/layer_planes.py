"""A layer in one pass over its input, plane after plane: see `solver.cpu.layer`."""

from __future__ import annotations

from solver.compiling import kernel
from solver.cpu import plane
from solver.cpu.convolution import finish, rectify_pair
from solver.cpu.copying import copy_rows, copy_run
from solver.cpu.pointers import pointer, seven
from solver.cpu.rows import Around, Place, begin_row, sweep_row, update_row
from solver.cpu.sharing import share_out
from solver.cpu.tiles import fill_run

VECTOR = 16  # cells: the loops make a multiple of so many
U, V, DX, DY, ZERO, IMAGE, EVEN, ODD, KEPT = range(9)  # planes of scratch: fields, f = 0, I, two levels, coefficients
SLOTS = KEPT + 7


@kernel(inline=True)
def border_fields(planes, n, rows, columns, sides, r):
    """Fill the border of fields n and n + 1 along the axes on which they are read; at walls velocities turn around."""
    if n == U or r.diffusivity_share is not None:
        plane.wrap_rows(planes[n], rows, columns, sides)
        plane.wrap_columns(planes[n + 1], 1, rows + 1, columns, sides)
    if n == U:
        plane.turn_rows(planes[n], rows, columns, sides)
        plane.turn_columns(planes[n + 1], 1, rows + 1, columns, sides)


@kernel()
def layer_planes(out, image, layer, parts, ratios, extent, span):
    """Evaluate the layer on the planes of a span; `parts` is (first learned field, end, whether f = I, constant D)."""
    share_out(layer_some, (out, image, layer, parts, ratios, extent), span)


@kernel(part=True)
def layer_some(out, image, layer, parts, ratios, extent, first, last):
    """Do so for planes first..last-1.

    A plane is padded and flat, and the loops over it begin on a cache line and go on to a whole number of vectors, in
    cells that belong to the border or lie beyond it.
    """
    filters, shifts, scales, offsets = layer
    begin, end, source, constant = parts
    rows, columns, sides = extent.rows, extent.columns, extent.sides
    cells, channels, learned = rows * columns, scales.size, max(0, end - begin)
    S, zero = columns + 2, ratios.one - ratios.one
    n = (rows * S + VECTOR - 1) // VECTOR * VECTOR

    # A row more before the image, for the north-western neighbour of its first cell; and room for whole vectors.
    planes = plane.padded_planes(SLOTS, rows + 2 + VECTOR // S, columns, out)
    size = planes.shape[1]
    store = planes.reshape(-1)
    fill_run(store, DX * size, 2 * size, constant)
    work, weights, shift = pointer(store, 0), pointer(filters, 0), pointer(shifts, 0)
    c = seven(store, KEPT * size, size)
    fields = (work, work, work, work, work)
    u, v, Dx, Dy = U * size + S, V * size + S, DX * size + S, DY * size + S
    image_at, even_at = IMAGE * size + 2 * S, EVEN * size + S
    f = image_at if source else ZERO * size + S
    place = Place(u, u - S, u + S, v, Dx, Dx - S, Dx + S, Dy, f, image_at, ratios.one, ratios.one)

    for p in range(first, last):
        channel = p % channels
        copy_rows(store, image_at + 1, S, image, p * cells, columns, rows, columns)
        around = Around(image_at, image_at - S, image_at + S)
        for field in range(begin, end, 2):
            to, which = field * size + S, channel * learned + field - begin
            rectify_pair(work, to, work, to + size, work, around, weights, shift, which, n, zero)
            border_fields(planes, field, rows, columns, sides, ratios)
        copy_run(store, even_at - S, store, image_at - S, (rows + 2) * S)
        now_at, new_at = even_at, even_at + size
        for k in range(extent.steps):
            plane.wrap(planes[EVEN + k % 2], rows, columns, sides)
            around = Around(now_at, now_at - S, now_at + S)
            if k > 0:
                sweep_row(c, S, work, new_at, work, around, n)
            elif extent.steps > 1:
                begin_row(c, S, work, new_at, work, around, work, fields, place, n, ratios)
            else:
                update_row(work, new_at, work, around, work, fields, place, n, ratios)
            now_at, new_at = new_at, now_at
        finish(work, now_at, scales[channel], offsets[channel], n, zero)
        plane.store_rows(out[p * cells : (p + 1) * cells], planes[EVEN + extent.steps % 2], 0, rows, columns)
