"""Passes of a BatchNorm and the ReLU behind it over an image that lies plane after plane.

One plane is one channel, whose numbers are loaded once; see `solver.cpu.rectified_norm`.
"""

from __future__ import annotations

import numpy as np

from solver.compiling import kernel
from solver.cpu.norm_formulas import of_x, of_z, value
from solver.cpu.pointers import keep_alive, pointer
from solver.cpu.sharing import share_out
from solver.cpu.vectors import take_widest

RUN = 4096  # cells of a sum in single precision; such sums are added in double


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
def moments(means, squares, x, extent, span):
    """Write the mean of each plane, and the sum of squares of deviations from it; `extent` is its cells."""
    share_out(moments_some, (means, squares, x, extent), span)


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
    """Write y of a run of cells."""
    take_widest()
    for q in range(at, at + cells):
        y[q] = value(x[q], None if s is None else s[q], scale, shift, zero)


@kernel()
def rectify(y, x, s, scales, shifts, extent, span):
    """Write y, with a scale and a shift for each channel; s may be None."""
    share_out(rectify_some, (y, x, s, scales, shifts, extent), span)


@kernel(part=True)
def rectify_some(y, x, s, scales, shifts, cells, first, last):
    """Do so for planes first..last-1."""
    to, source, beside = pointer(y, 0), pointer(x, 0), None if s is None else pointer(s, 0)
    for p in range(first, last):
        c = p % scales.size
        rectify_run(to, source, beside, p * cells, cells, scales[c], shifts[c], x.dtype.type(0))
    keep_alive(y, x, s)


@kernel(reassociate=True, part=True, apart=True)
def sum_products(to, g, x, y, at, cells, scale, shift, mean, zero):
    """Sum the gradient of z, and that times x - mean; write it into `to` if that is not None."""
    take_widest()
    total, product = zero, zero
    for q in range(at, at + cells):
        made = of_z(g[q], x[q], None if y is None else y[q], scale, shift, zero)
        if to is not None:
            to[q] = made
        total += made
        product += made * (x[q] - mean)
    return total, product


@kernel()
def products(totals, found, to, g, x, y, scales, shifts, means, extent, span):
    """Write both sums of each plane, and the gradient of z into `to` if that is not None."""
    share_out(products_some, (totals, found, to, g, x, y, scales, shifts, means, extent), span)


@kernel(part=True)
def products_some(totals, found, to, g, x, y, scales, shifts, means, cells, first, last):
    """Do so for planes first..last-1."""
    made, of_y, source = None if to is None else pointer(to, 0), pointer(g, 0), pointer(x, 0)
    result = None if y is None else pointer(y, 0)
    for p in range(first, last):
        c, total, product = p % scales.size, 0.0, 0.0
        for run in range(0, cells, RUN):
            at, many = p * cells + run, min(RUN, cells - run)
            some = sum_products(made, of_y, source, result, at, many, scales[c], shifts[c], means[c], x.dtype.type(0))
            total += np.float64(some[0])
            product += np.float64(some[1])
        totals[p], found[p] = total, product
    keep_alive(to, g, x, y)


@kernel(part=True, apart=True)
def pull_run(to, g, x, rectifies, at, cells, numbers, shift, zero):
    """Write the gradient of x of a run of cells."""
    take_widest()
    for q in range(at, at + cells):
        made = g[q] if rectifies is None else of_z(g[q], x[q], None, numbers[0], shift, zero)
        to[q] = of_x(made, x[q], numbers)


@kernel()
def pull(to, g, x, rectifies, scales, shifts, means, levels, slopes, extent, span):
    """Write the gradient of x; `g` is that of z where `rectifies` is None, else that of ReLU(z), z made from x."""
    share_out(pull_some, (to, g, x, rectifies, scales, shifts, means, levels, slopes, extent), span)


@kernel(part=True)
def pull_some(to, g, x, rectifies, scales, shifts, means, levels, slopes, cells, first, last):
    """Do so for planes first..last-1."""
    made, of_y, source = pointer(to, 0), pointer(g, 0), pointer(x, 0)
    for p in range(first, last):
        c = p % scales.size
        numbers = scales[c], means[c], levels[c], slopes[c]
        pull_run(made, of_y, source, rectifies, p * cells, cells, numbers, shifts[c], x.dtype.type(0))
    keep_alive(to, g, x)
