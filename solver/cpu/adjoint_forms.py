"""From the gradients of the coefficients to those of the fields, any form, in padded planes."""

from __future__ import annotations

import numpy as np

from solver import stencil
from solver.compiling import kernel
from solver.cpu import plane
from solver.cpu.adjoint_sums import sums_of
from solver.cpu.adjoint_walls import release_walls, wrap_columns_transposed, wrap_rows_transposed
from solver.cpu.copying import copy_run
from solver.cpu.layout import DX, DY, SOURCE, U, V
from solver.cpu.loading import inner, scratch
from solver.cpu.vectors import take_widest

PLANES = 17  # padded: eight of sums, seven of coefficients, Dx and Dy


@kernel(apart=True, part=True)
def assemble_adjoint(sums, c, D, start, stop, columns, r):
    """Turn the gradients of the coefficients, in place, into those of b, the six numerators and the source."""
    take_widest()
    S, one = np.uint64(columns + 2), np.uint64(1)
    for q in range(np.uint64(start), np.uint64(stop)):
        n, s, w, e = q - S, q + S, q - one, q + one
        point = (c[0, q], c[1, q], c[2, q], c[3, q], c[4, q], c[5, q], c[6, q])
        found = (sums[0, q], sums[1, q], sums[2, q], sums[3, q], sums[4, q], sums[5, q], sums[6, q])
        Dx, Dy = (D[0, q], D[0, n], D[0, s]), (D[1, q], D[1, w], D[1, e])
        made = stencil.assemble_adjoint(point, found, Dx, Dy, r)
        sums[0, q], sums[1, q], sums[2, q], sums[3, q], sums[4, q], sums[5, q], sums[6, q] = made


@kernel(apart=True, part=True)
def gather_fields(g, sums, extent, r):
    """Write the gradients of the five fields; the borders of `sums` must be filled."""
    take_widest()
    S, one, columns = np.uint64(extent.columns + 2), np.uint64(1), extent.columns
    for i in range(extent.rows):
        begin, to = np.uint64((i + 1) * (columns + 2) + 1), i * columns
        for j in range(columns):
            q = begin + np.uint64(j)
            n, s, w, e = q - S, q + S, q - one, q + one
            north, south = (sums[2, q], sums[2, s]), (sums[3, q], sums[3, n])
            west, east = (sums[4, q], sums[4, e]), (sums[5, q], sums[5, w])
            g[U][to + j] = stencil.velocity_adjoint((sums[1, n], sums[1, s]), north, south, r.x, r)
            g[V][to + j] = stencil.velocity_adjoint((sums[1, w], sums[1, e]), west, east, r.y, r)
            b_x, b_y = (sums[0, q], sums[0, n], sums[0, s]), (sums[0, q], sums[0, w], sums[0, e])
            g[DX][to + j] = stencil.diffusivity_adjoint(b_x, north, south, r.xx, r)
            g[DY][to + j] = stencil.diffusivity_adjoint(b_y, west, east, r.yy, r)
            g[SOURCE][to + j] = sums[6, q]


@kernel(part=True)
def fields_adjoint(g, sums, c, D, extent, r):
    """Turn the sums over all steps into the gradients of the five fields, any form; sums[7] is scratch.

    `D` are Dx and Dy, padded.
    """
    rows, columns, sides = extent.rows, extent.columns, extent.sides
    start, stop = inner(rows, columns)
    copy_run(sums[7], 0, sums[6], 0, sums.shape[1])
    assemble_adjoint(sums, c, D, start, stop, columns, r)
    release_walls(sums, sums[7], rows, columns, sides)
    plane.wrap(sums[0], rows, columns, sides)
    plane.wrap(sums[1], rows, columns, sides)
    wrap_rows_transposed(sums[2], sums[3], rows, columns, sides)
    wrap_columns_transposed(sums[4], sums[5], rows, columns, sides)
    gather_fields(g, sums, extent, r)


@kernel(part=True)
def make_padded(general, rows, columns, like):
    """Allocate padded planes for sums, coefficients and diffusivities, which only the general forms need."""
    return scratch(0 if general is None else PLANES, rows, columns, like)


@kernel(part=True)
def load_padded(a, memory, extent):
    """Copy a plane into a padded one."""
    for i in range(extent.rows):
        copy_run(a, (i + 1) * (extent.columns + 2) + 1, memory, i * extent.columns, extent.columns)


@kernel(part=True)
def any_fields_adjoint(g, padded, flat, stack, groups, memory, extent, r):
    """Turn flat sums over all steps, so many groups of them, into the gradients of the five fields, any form."""
    of_coefficients, c, D = padded[:8], padded[8:15], padded[15:17]
    sums = sums_of(stack, groups)
    for m in range(7):
        load_padded(of_coefficients[m], sums[m], extent)
        load_padded(c[m], flat.c[m], extent)
    for n in range(2):
        load_padded(D[n], memory[DY] if n else memory[DX], extent)
        plane.wrap(D[n], extent.rows, extent.columns, extent.sides)
    fields_adjoint(g, of_coefficients, c, D, extent, r)
