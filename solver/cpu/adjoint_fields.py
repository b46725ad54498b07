"""From the gradients of the steps to those of the fields: sums over the steps, then the adjoint of the assembly."""

from __future__ import annotations

import numpy as np

from solver import stencil
from solver.arithmetic import multiply_add
from solver.compiling import kernel, point_function
from solver.cpu import plane
from solver.cpu.adjoint_walls import release_walls, wrap_columns_transposed, wrap_rows_transposed
from solver.cpu.copying import copy_run
from solver.cpu.layout import DX, DY, SOURCE, U, V
from solver.cpu.loading import inner, row
from solver.cpu.vectors import take_widest

GROUP = 5  # steps whose gradients are summed in registers


@kernel(part=True)
def group_rows(first, count, nothing):
    """Return the rows of lam of the steps first..first+count-1, then those of the levels: H[first - 1] and each H[k].

    Steps that a group lacks take lam from the row `nothing`, which is zero.
    """
    a, b, c, d, e = first + 1, first + 2, first + 3, first + 4, first + 5
    last = first + count
    lams = (
        a,
        b if b <= last else nothing,
        c if c <= last else nothing,
        d if d <= last else nothing,
        e if e <= last else nothing,
    )
    return lams, (first, a, min(b, last), min(c, last), min(d, last), min(e, last))


@point_function
def add_step(found, lam, H, old, now, q, n, s, w, e):
    """Add the gradients of one step to those of the seven coefficients of cell q: see `stencil.step_adjoint`."""
    return (
        multiply_add(lam, H[old, q], found[0]),
        multiply_add(lam, H[now, q], found[1]),
        multiply_add(lam, H[now, n], found[2]),
        multiply_add(lam, H[now, s], found[3]),
        multiply_add(lam, H[now, w], found[4]),
        multiply_add(lam, H[now, e], found[5]),
        lam + found[6],
    )


@point_function
def sum_of_steps(lams, levels, group, q, n, s, w, e):
    """Return the gradients of the seven coefficients, summed over a group of steps, of cell q with its neighbours."""
    k, h = group
    H = levels
    found = stencil.step_adjoint(lams[k[0], q], H[h[0], q], H[h[1], q], H[h[1], n], H[h[1], s], H[h[1], w], H[h[1], e])
    found = add_step(found, lams[k[1], q], H, h[1], h[2], q, n, s, w, e)
    found = add_step(found, lams[k[2], q], H, h[2], h[3], q, n, s, w, e)
    found = add_step(found, lams[k[3], q], H, h[3], h[4], q, n, s, w, e)
    return add_step(found, lams[k[4], q], H, h[4], h[5], q, n, s, w, e)


@kernel(apart=True, part=True)
def accumulate(sums, lams, levels, group, begun, start, stop, columns):
    """Add the gradients of a group of steps to `sums`, or begin them."""
    take_widest()
    S, one = np.uint64(columns + 2), np.uint64(1)
    for q in range(np.uint64(start), np.uint64(stop)):
        found = sum_of_steps(lams, levels, group, q, q - S, q + S, q - one, q + one)
        for i in range(7):
            sums[i, q] = sums[i, q] + found[i] if begun else found[i]


@kernel(apart=True, part=True)
def published_gradients(g, e, sums, c, lams, levels, group, begun, memory, extent, r):
    """Add the last group and go on to the gradients of Dx, Dy and the source.

    Those of u and v take from the neighbours the gradient of the centre's numerator, which goes to `e`: written here is
    the cell's own part.
    """
    take_widest()
    S, one, n = np.uint64(extent.columns + 2), np.uint64(1), extent.columns
    Dx, Dy = memory[DX], memory[DY]
    for i in range(extent.rows):
        begin, to = np.uint64((i + 1) * (n + 2) + 1), i * n
        for j in range(n):
            q = begin + np.uint64(j)
            found = sum_of_steps(lams, levels, group, q, q - S, q + S, q - one, q + one)
            if begun:
                found = (
                    found[0] + sums[0, q],
                    found[1] + sums[1, q],
                    found[2] + sums[2, q],
                    found[3] + sums[3, q],
                    found[4] + sums[4, q],
                    found[5] + sums[5, q],
                    found[6] + sums[6, q],
                )
            point = (c[0, q], c[1, q], c[2, q], c[3, q], c[4, q], c[5, q], c[6, q])
            D_x, D_y = Dx[to + j], Dy[to + j]
            made = stencil.assemble_adjoint(point, found, (D_x, D_x, D_x), (D_y, D_y, D_y), r)
            b, centre, north, south, west, east, source = made
            e[q] = centre
            g[U][to + j], g[V][to + j] = north - south, west - east
            g[DX][to + j], g[DY][to + j] = r.xx * (north + south + b), r.yy * (west + east + b)
            g[SOURCE][to + j] = source


@kernel(apart=True, part=True)
def published_velocities(g, e, extent, r):
    """Complete the gradients of u and v."""
    take_widest()
    S, one, n = np.uint64(extent.columns + 2), np.uint64(1), extent.columns
    for i in range(extent.rows):
        begin, to = np.uint64((i + 1) * (n + 2) + 1), i * n
        for j in range(n):
            q = begin + np.uint64(j)
            g[U][to + j] = r.x * (g[U][to + j] + (e[q + S] - e[q - S]))
            g[V][to + j] = r.y * (g[V][to + j] + (e[q + one] - e[q - one]))


@kernel(part=True)
def published_fields_adjoint(g, sums, c, lams, levels, group, begun, memory, extent, r):
    """Write the gradients of the five fields of the published forms into `g`; sums[7] is scratch."""
    e = row(sums, 7)
    published_gradients(g, e, sums, c, lams, levels, group, begun, memory, extent, r)
    release_published_walls(g, e, sums, lams, group[0], begun, extent)
    plane.wrap(e, extent.rows, extent.columns, extent.sides)
    published_velocities(g, e, extent, r)


@kernel(part=True)
def release_published_walls(g, e, sums, lams, group, begun, extent):
    """On Dirichlet walls let the gradient of the source be that of the value, the sum of lam, and all others zero."""
    rows, columns, sides = extent.rows, extent.columns, extent.sides
    if not plane.has_walls(sides):
        return
    for i in range(1, rows + 1):
        for j in range(1, columns + 1, plane.wall_stride(i, rows, columns, sides)):
            if plane.on_wall(i, j, rows, columns, sides):
                q, to = i * (columns + 2) + j, (i - 1) * columns + j - 1
                e[q] = 0
                for which in (U, V, DX, DY):
                    g[which][to] = 0
                value = sums[6, q] if begun else lams.dtype.type(0)
                for row in group:
                    value += lams[row, q]
                g[SOURCE][to] = value


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
