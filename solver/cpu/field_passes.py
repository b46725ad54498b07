"""Passes over the planes of an image, each with its fields made anew; see `solver.cpu.learned_fields`.

A plane is copied into scratch with a border of zeros and is flat there: loops run over all rows at once, border columns
included. What they make of those is set to what adds nothing before it is summed.
"""

from __future__ import annotations

from solver.compiling import kernel
from solver.cpu import plane
from solver.cpu.convolution import TAPS, convolve_pair, convolved, filter_of
from solver.cpu.copying import copy_run
from solver.cpu.pointers import keep_alive, pointer
from solver.cpu.rows import Around
from solver.cpu.sharing import share_out
from solver.cpu.storing import total_run
from solver.cpu.streaming import fence, stream_run
from solver.cpu.tiles import fill_run

IMAGE, FIRST, SECOND, GIVEN, MADE, SLOTS = range(6)  # planes of scratch
RUN = 2**10  # cells whose sum is kept in their own precision


@kernel(part=True)
def scratch(shape, like):
    """Allocate the planes; (C, n, rows, columns) is `shape`."""
    # A row before the image and one behind it, for the neighbours of the corners.
    return plane.padded_planes(SLOTS, shape[2] + 2, shape[3], like)


@kernel(inline=True)
def load(store, at, source, start, rows, columns):
    """Copy a plane into scratch; its borders stay as they are."""
    for i in range(rows):
        copy_run(store, at + i * (columns + 2) + 1, source, start + i * columns, columns)


@kernel(part=True)
def fill_borders(a, at, rows, columns, value):
    """Set the border columns of a flat plane."""
    S = columns + 2
    for i in range(rows):
        a[at + i * S] = value
        a[at + i * S + S - 1] = value


@kernel(apart=True, part=True)
def convolve_two(a, a_at, b, b_at, x, around, weights, field, n, zero):
    """Make y of n cells for fields `field` and `field` + 1."""
    w_a, w_b = filter_of(weights, field), filter_of(weights, field + 1)
    for q in range(n):
        north, row, south = around.north + q, around.row + q, around.south + q
        a[a_at + q] = convolved(w_a, zero, x, north, row, south)
        b[b_at + q] = convolved(w_b, zero, x, north, row, south)


@kernel(reassociate=True, part=True)
def squares_run(a, at, n, mean, zero):
    """Return the sum of the squares of n cells' deviations."""
    total = zero
    for q in range(n):
        total += (a[at + q] - mean) * (a[at + q] - mean)
    return total


@kernel(reassociate=True, part=True)
def products_run(y, at, given, given_at, n, scale, shift, mean, zero):
    """Return the sums of g and of g (y - mean); g is what is given where the ReLU lets it through."""
    total, product = zero, zero
    for q in range(n):
        passed = zero if scale * y[at + q] + shift <= zero else given[given_at + q]  # NaN lets through, as in torch
        total += passed
        product += passed * (y[at + q] - mean)
    return total, product


@kernel(part=True)
def sum_of(a, at, n, zero):
    """Return the sum of n cells in double precision, added up run by run."""
    total = 0.0
    for start in range(0, n, RUN):
        total += total_run(a, at + start, min(RUN, n - start), zero)
    return total


@kernel(part=True)
def squares_of(a, at, n, mean, zero):
    """Return the sum of the squares of n cells' deviations in double precision."""
    total = 0.0
    for start in range(0, n, RUN):
        total += squares_run(a, at + start, min(RUN, n - start), mean, zero)
    return total


@kernel(part=True)
def products_of(y, at, given, given_at, n, scale, shift, mean, zero):
    """Return the sums of g and of g (y - mean) in double precision."""
    total, product = 0.0, 0.0
    for start in range(0, n, RUN):
        some, others = products_run(
            y, at + start, given, given_at + start, min(RUN, n - start), scale, shift, mean, zero
        )
        total, product = total + some, product + others
    return total, product


@kernel(apart=True, part=True)
def pull_norm(y, at, given, given_at, n, scale, shift, mean, slope, level, zero):
    """Write dL/dy of n cells over y."""
    for q in range(n):
        passed = zero if scale * y[at + q] + shift <= zero else given[given_at + q]  # NaN lets through, as in torch
        y[at + q] = scale * passed - slope * (y[at + q] - mean) - level


@kernel(reassociate=True, part=True)
def taps_of(d, at, x, around, n, zero):
    """Return the sums over n cells of d times each of the nine cells around."""
    s0, s1, s2, s3, s4, s5, s6, s7, s8 = zero, zero, zero, zero, zero, zero, zero, zero, zero
    for q in range(n):
        north, row, south = around.north + q, around.row + q, around.south + q
        s0 += d[at + q] * x[north - 1]
        s1 += d[at + q] * x[north]
        s2 += d[at + q] * x[north + 1]
        s3 += d[at + q] * x[row - 1]
        s4 += d[at + q] * x[row]
        s5 += d[at + q] * x[row + 1]
        s6 += d[at + q] * x[south - 1]
        s7 += d[at + q] * x[south]
        s8 += d[at + q] * x[south + 1]
    return s0, s1, s2, s3, s4, s5, s6, s7, s8


@kernel(apart=True, part=True)
def pull_convolution(out, at, a, b, around_a, around_b, w_a, w_b, n):
    """Add to n cells what two fields give back: the convolution of each with its filter turned around."""
    for q in range(n):
        y = convolved(w_a, out[at + q], a, around_a.north + q, around_a.row + q, around_a.south + q)
        out[at + q] = convolved(w_b, y, b, around_b.north + q, around_b.row + q, around_b.south + q)


@kernel(inline=True)
def turned(w):
    """Return nine weights from the last to the first."""
    return w[8], w[7], w[6], w[5], w[4], w[3], w[2], w[1], w[0]


@kernel()
def moments(found, image, filters, shape, span):
    """Write mean and sum of squared deviations of y for each field of a span of planes."""
    share_out(moments_some, (found, image, filters, shape), span)


@kernel(part=True)
def moments_some(found, image, filters, shape, first, last):
    """Do so for planes first..last-1."""
    C, n, rows, columns = shape
    planes = scratch(shape, image)
    size, S, zero = planes.shape[1], columns + 2, image.dtype.type(0)
    work, weights, image_at = pointer(planes.reshape(-1), 0), pointer(filters, 0), IMAGE * planes.shape[1] + 2 * S
    around = Around(image_at, image_at - S, image_at + S)
    for p in range(first, last):
        load(work, image_at, image, p * rows * columns, rows, columns)
        for field in range(0, n, 2):
            a, b = FIRST * size + S, SECOND * size + S
            convolve_two(work, a, work, b, work, around, weights, p % C * n + field, rows * S, zero)
            for which in range(2):
                at, to = a if which == 0 else b, 2 * (p * n + field + which)
                fill_borders(work, at, rows, columns, zero)
                mean = image.dtype.type(sum_of(work, at, rows * S, zero) / (rows * columns))
                fill_borders(work, at, rows, columns, mean)
                found[to], found[to + 1] = mean, squares_of(work, at, rows * S, mean, zero)
    keep_alive(planes)


@kernel()
def values(out, shifts, streamed, image, filters, shape, span):
    """Write the fields of a span of planes, from filters and shifts into which the norm is folded.

    `streamed`: past the caches.
    """
    share_out(values_some, (out, shifts, streamed, image, filters, shape), span)


@kernel(part=True)
def values_some(out, shifts, streamed, image, filters, shape, first, last):
    """Do so for planes first..last-1."""
    C, n, rows, columns = shape
    planes = scratch(shape, image)
    size, S, zero, cells = planes.shape[1], columns + 2, image.dtype.type(0), rows * columns
    work, weights, image_at = pointer(planes.reshape(-1), 0), pointer(filters, 0), IMAGE * planes.shape[1] + 2 * S
    shift, around = pointer(shifts, 0), Around(image_at, image_at - S, image_at + S)
    for p in range(first, last):
        load(work, image_at, image, p * cells, rows, columns)
        for field in range(0, n, 2):
            a, b = FIRST * size + S, SECOND * size + S
            convolve_pair(work, a, work, b, work, around, weights, shift, p % C * n + field, rows * S, zero)
            for i in range(rows):
                to, row = (p * n + field) * cells + i * columns, i * S + 1
                if streamed:
                    stream_run(out, to, work, a + row, columns)
                    stream_run(out, to + cells, work, b + row, columns)
                else:
                    copy_run(out, to, work, a + row, columns)
                    copy_run(out, to + cells, work, b + row, columns)
    fence()
    keep_alive(planes)


@kernel()
def sums(found, given, numbers, image, filters, shape, span):
    """Write the sums of g and of g (y - mean) for each field of a span of planes.

    `numbers` are scale, shift and mean of each field.
    """
    share_out(sums_some, (found, given, numbers, image, filters, shape), span)


@kernel(part=True)
def sums_some(found, given, numbers, image, filters, shape, first, last):
    """Do so for planes first..last-1."""
    C, n, rows, columns = shape
    planes = scratch(shape, image)
    size, S, zero, cells = planes.shape[1], columns + 2, image.dtype.type(0), rows * columns
    work, weights, image_at = pointer(planes.reshape(-1), 0), pointer(filters, 0), IMAGE * planes.shape[1] + 2 * S
    around = Around(image_at, image_at - S, image_at + S)
    a, b, g = FIRST * size + S, SECOND * size + S, GIVEN * size + S
    for p in range(first, last):
        load(work, image_at, image, p * cells, rows, columns)
        for field in range(0, n, 2):
            convolve_two(work, a, work, b, work, around, weights, p % C * n + field, rows * S, zero)
            for which in range(2):
                number, of = p * n + field + which, 3 * (p % C * n + field + which)
                load(work, g, given, number * cells, rows, columns)
                scale, shift, mean = numbers[of], numbers[of + 1], numbers[of + 2]
                at = a if which == 0 else b
                found[2 * number], found[2 * number + 1] = products_of(
                    work, at, work, g, rows * S, scale, shift, mean, zero
                )
    keep_alive(planes)


@kernel()
def gradients(of_image, adds, of_filters, given, numbers, image, filters, shape, span):
    """Write the gradient of the image, if there is room for it, and of each plane's filters.

    `adds`: to what stands in place of the image's. `numbers` are scale, shift, mean, slope and level of each field.
    """
    share_out(gradients_some, (of_image, adds, of_filters, given, numbers, image, filters, shape), span)


@kernel(part=True)
def gradients_some(of_image, adds, of_filters, given, numbers, image, filters, shape, first, last):
    """Do so for planes first..last-1."""
    C, n, rows, columns = shape
    planes = scratch(shape, image)
    size, S, zero, cells = planes.shape[1], columns + 2, image.dtype.type(0), rows * columns
    work, weights, image_at = pointer(planes.reshape(-1), 0), pointer(filters, 0), IMAGE * planes.shape[1] + 2 * S
    around = Around(image_at, image_at - S, image_at + S)
    a, b, g, made = FIRST * size + 2 * S, SECOND * size + 2 * S, GIVEN * size + S, MADE * size + S
    around_a, around_b = Around(a, a - S, a + S), Around(b, b - S, b + S)
    for p in range(first, last):
        load(work, image_at, image, p * cells, rows, columns)
        fill_run(work, made, rows * S, zero)
        if adds:
            load(work, made, of_image, p * cells, rows, columns)
        for field in range(0, n, 2):
            filter_at = p % C * n + field
            convolve_two(work, a, work, b, work, around, weights, filter_at, rows * S, zero)
            for which in range(2):
                number, of = p * n + field + which, 5 * (filter_at + which)
                load(work, g, given, number * cells, rows, columns)
                at = a if which == 0 else b
                pull_norm(
                    work, at, work, g, rows * S, numbers[of], numbers[of + 1], numbers[of + 2], numbers[of + 3],
                    numbers[of + 4], zero,
                )  # fmt: skip
                fill_borders(work, at, rows, columns, zero)
                s0, s1, s2, s3, s4, s5, s6, s7, s8 = taps_of(work, at, work, around, rows * S, zero)
                to = number * TAPS
                of_filters[to], of_filters[to + 1], of_filters[to + 2] = s0, s1, s2
                of_filters[to + 3], of_filters[to + 4], of_filters[to + 5] = s3, s4, s5
                of_filters[to + 6], of_filters[to + 7], of_filters[to + 8] = s6, s7, s8
            if of_image.size:
                w_a, w_b = turned(filter_of(weights, filter_at)), turned(filter_of(weights, filter_at + 1))
                pull_convolution(work, made, work, work, around_a, around_b, w_a, w_b, rows * S)
        if of_image.size:
            for i in range(rows):
                stream_run(of_image, p * cells + i * columns, work, made + i * S + 1, columns)
    fence()
    keep_alive(planes)
