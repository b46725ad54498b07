"""Passes over the planes of an image that a BatchNorm and the ReLU behind it make; see `solver.cpu.rectified_norm`."""

from __future__ import annotations

import numpy as np

from solver.arithmetic import multiply_add
from solver.compiling import kernel, point_function
from solver.cpu.convolution import rectified
from solver.cpu.pointers import keep_alive, pointer
from solver.cpu.sharing import share_out
from solver.cpu.vectors import take_widest

RUN = 4096  # cells of a sum in single precision; such sums are added in double


@point_function
def passed(g, z, zero):
    """Return the gradient of z for that of ReLU(z)."""
    return zero if z <= zero else g


@kernel(reassociate=True, part=True, apart=True)
def sum_run(x, at, cells, zero):
    """Sum a run of cells."""
    take_widest()
    found = zero
    for q in range(at, at + cells):
        found += x[q]
    return found


@kernel(reassociate=True, part=True, apart=True)
def square_run(x, at, cells, mean, zero):
    """Sum the squares of deviations from a number."""
    take_widest()
    found = zero
    for q in range(at, at + cells):
        found += (x[q] - mean) * (x[q] - mean)
    return found


@kernel()
def moments(means, squares, x, cells, span):
    """Write the mean of each plane, and the sum of squares of deviations from it, in double precision."""
    share_out(moments_some, (means, squares, x, cells), span)


@kernel(part=True)
def moments_some(means, squares, x, cells, first, last):
    """Do so for planes first..last-1."""
    zero, plane = x.dtype.type(0), pointer(x, 0)
    for p in range(first, last):
        start, total, about = p * cells, 0.0, 0.0
        for run in range(0, cells, RUN):
            total += np.float64(sum_run(plane, start + run, min(RUN, cells - run), zero))
        mean = total / cells
        near = x.dtype.type(mean)
        for run in range(0, cells, RUN):
            about += np.float64(square_run(plane, start + run, min(RUN, cells - run), near, zero))
        means[p], squares[p] = mean, about - cells * (mean - near) * (mean - near)
    keep_alive(x)


@kernel(part=True, apart=True)
def rectify_run(y, x, s, at, cells, scale, shift, zero):
    """Write ReLU(scale x + shift + s)."""
    take_widest()
    for q in range(at, at + cells):
        z = multiply_add(scale, x[q], shift)
        y[q] = rectified(z if s is None else z + s[q], zero)


@kernel()
def rectify(y, x, s, scales, shifts, cells, span):
    """Write ReLU(scale x + shift + s), with a scale and a shift for each channel; s may be None."""
    share_out(rectify_some, (y, x, s, scales, shifts, cells), span)


@kernel(part=True)
def rectify_some(y, x, s, scales, shifts, cells, first, last):
    """Do so for planes first..last-1."""
    to, source, beside = pointer(y, 0), pointer(x, 0), None if s is None else pointer(s, 0)
    for p in range(first, last):
        c = p % scales.size
        rectify_run(to, source, beside, p * cells, cells, scales[c], shifts[c], x.dtype.type(0))
    keep_alive(y, x, s)


@kernel(reassociate=True, part=True, apart=True)
def sum_products(of_s, g, x, y, at, cells, scale, shift, mean, zero):
    """Sum the gradient of z, and that times x - mean; write it into `of_s` if it is not None.

    z is made again from x where `y`, ReLU(z), is None.
    """
    take_widest()
    total, product = zero, zero
    for q in range(at, at + cells):
        z = multiply_add(scale, x[q], shift) if y is None else y[q]
        of_z = passed(g[q], z, zero)
        if of_s is not None:
            of_s[q] = of_z
        total += of_z
        product += of_z * (x[q] - mean)
    return total, product


@kernel()
def products(totals, found, of_s, g, x, y, scales, shifts, means, cells, span):
    """Write both sums of each plane in double precision, and the gradient of z if `of_s` is not None."""
    share_out(products_some, (totals, found, of_s, g, x, y, scales, shifts, means, cells), span)


@kernel(part=True)
def products_some(totals, found, of_s, g, x, y, scales, shifts, means, cells, first, last):
    """Do so for planes first..last-1."""
    to, of_z, source = None if of_s is None else pointer(of_s, 0), pointer(g, 0), pointer(x, 0)
    result = None if y is None else pointer(y, 0)
    for p in range(first, last):
        c, total, product = p % scales.size, 0.0, 0.0
        for run in range(0, cells, RUN):
            at, many = p * cells + run, min(RUN, cells - run)
            some = sum_products(to, of_z, source, result, at, many, scales[c], shifts[c], means[c], x.dtype.type(0))
            total += np.float64(some[0])
            product += np.float64(some[1])
        totals[p], found[p] = total, product
    keep_alive(of_s, g, x, y)


@kernel(part=True, apart=True)
def pull_run(of_x, g, x, rectifies, at, cells, scale, shift, mean, level, slope, zero):
    """Write scale times the gradient of z, less level + slope (x - mean)."""
    take_widest()
    for q in range(at, at + cells):
        of_z = g[q] if rectifies is None else passed(g[q], multiply_add(scale, x[q], shift), zero)
        of_x[q] = multiply_add(scale, of_z, -multiply_add(slope, x[q] - mean, level))


@kernel()
def pull(of_x, g, x, rectifies, scales, shifts, means, levels, slopes, cells, span):
    """Write the gradient of x; `g` is that of z where `rectifies` is None, else that of ReLU(z), z made from x."""
    share_out(pull_some, (of_x, g, x, rectifies, scales, shifts, means, levels, slopes, cells), span)


@kernel(part=True)
def pull_some(of_x, g, x, rectifies, scales, shifts, means, levels, slopes, cells, first, last):
    """Do so for planes first..last-1."""
    to, of_z, source = pointer(of_x, 0), pointer(g, 0), pointer(x, 0)
    for p in range(first, last):
        c = p % scales.size
        pull_run(
            to, of_z, source, rectifies, p * cells, cells,
            scales[c], shifts[c], means[c], levels[c], slopes[c], x.dtype.type(0),
        )  # fmt: skip
    keep_alive(of_x, g, x)
