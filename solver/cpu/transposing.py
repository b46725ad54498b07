"""Interleaving planes: cell q of plane l of a pack goes to place q * LANES + l, and back.

Square blocks, as wide as a vector, go through registers, in four rounds of shuffles for sixteen numbers; one at a time,
each number would be loaded and stored alone. A round moves numbers inside the parts of 16 bytes that vectors are made
of, or those parts whole: what else moves between them takes several instructions where vectors have 256 bits.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from solver.compiling import in_kernels, kernel
from solver.cpu.pointers import pointer, size_of
from solver.cpu.vectors import BYTES

PART = 16  # bytes: in parts of so many two vectors are interleaved by one instruction, and parts are moved by one
LANES = 16  # planes of a pack: as many float32 as make a cache line; loops over fewer numbers are not made vectors


def width_of(a):
    """Return how many numbers like `a`, or of what a pointer points to, make a vector."""
    return BYTES // a.itemsize


@in_kernels(width_of)
def _compiled_width_of(a):
    def implementation(a):
        return BYTES // size_of(a)

    return implementation


def transpose_block(to, to_starts, at, source, source_starts, start):
    """Write to[to_starts[a] + at + b] = source[source_starts[b] + start + a] for all a and b in a vector.

    What is written is not in `source`.
    """
    for a in range(width_of(to)):
        for b in range(width_of(to)):
            to[int(to_starts[a]) + at + b] = source[int(source_starts[b]) + start + a]


def turn(rows, part, shuffle):
    """Return the columns of as many rows as each has numbers; shuffle(a, b, places) takes those of two rows.

    First squares of `part` rows and columns are turned around, then the square that these make.
    """
    rows = list(rows)
    for first in range(0, len(rows), part):
        rows[first : first + part] = _turn_pieces(rows[first : first + part], 1, len(rows), shuffle)
    for first in range(part):
        rows[first::part] = _turn_pieces(rows[first::part], part, len(rows), shuffle)
    return rows


def _turn_pieces(rows, size, width, shuffle):
    """Turn squares of pieces around, each of `size` numbers, side by side in rows of `width` numbers."""
    count, half = len(rows), len(rows) // 2
    places = [_alternating(upper, count, size, width) for upper in (0, half)]
    # Each round is a perfect shuffle, which turns the bits of a piece's place around by one.
    for _ in range(count.bit_length() - 1):
        pairs = [(rows[k], rows[k + half]) for k in range(half)]
        rows = [shuffle(a, b, which) for a, b in pairs for which in places]
    return rows


def _alternating(upper, count, size, width):
    """Return places in two rows of `width` numbers, those of the second behind those of the first.

    Pieces are taken from both in turns: of every `count` the half that begins with number `upper`.
    """
    starts = range(0, width, count * size)
    pieces = [start + (upper + k // 2) * size + k % 2 * width for start in starts for k in range(count)]
    return [piece + number for piece in pieces for number in range(size)]


@intrinsic
def _transpose_block(typing_context, to, to_starts, at, source, source_starts, start):
    signature = types.void(to, to_starts, types.intp, source, source_starts, types.intp)

    def generate(context, builder, signature, arguments):
        to, to_starts, at, source, source_starts, start = arguments
        number = context.get_data_type(signature.args[0].dtype)
        size = context.get_abi_sizeof(number)
        width = BYTES // size
        vector = ir.VectorType(number, width)

        def address(memory, starts, index, offset):
            first = builder.load(builder.gep(starts, [offset.type(index)]))
            cell = builder.gep(memory, [builder.add(first, offset)])
            return builder.bitcast(cell, vector.as_pointer())

        def shuffle(a, b, places):
            return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(ir.IntType(32), width), places))

        rows = []
        for index in range(width):
            row = builder.load(address(source, source_starts, index, start))
            row.align = size
            rows.append(row)
        for index, row in enumerate(turn(rows, PART // size, shuffle)):
            builder.store(row, address(to, to_starts, index, at)).align = size
        return context.get_dummy_value()

    return signature, generate


@overload(transpose_block, inline="always")
def _compiled_transpose_block(to, to_starts, at, source, source_starts, start):
    def implementation(to, to_starts, at, source, source_starts, start):
        _transpose_block(to, to_starts, at, source, source_starts, start)  # type: ignore[call-arg]

    return implementation


@kernel(part=True)
def interleave(to, places, source, starts, cells):
    """Bring the planes of a pack, which begin at `starts` of their memory, side by side.

    `places` are multiples of LANES.
    """
    width = width_of(to)
    whole = cells // width * width
    for q in range(0, whole, width):
        for lane in range(0, LANES, width):
            transpose_block(to, places, q * LANES + lane, source, pointer(starts, lane), q)
    for q in range(whole, cells):
        for lane in range(LANES):
            to[q * LANES + lane] = source[starts[lane] + q]


@kernel(part=True)
def deinterleave(to, starts, source, places, cells):
    """Bring a pack back to planes that begin at `starts`."""
    width = width_of(to)
    whole = cells // width * width
    for q in range(0, whole, width):
        for lane in range(0, LANES, width):
            transpose_block(to, pointer(starts, lane), q, source, places, q * LANES + lane)
    for q in range(whole, cells):
        for lane in range(LANES):
            to[starts[lane] + q] = source[q * LANES + lane]
