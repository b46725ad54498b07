"""Traversals of one padded plane: the loops that the compiler turns into vector instructions.

A padded plane is flat: rows + 2 rows of S = columns + 2 cells, with a border of one cell that holds what lies beyond
the edge: the other edge where the plane is periodic, else the edge itself. One loop then runs over all rows, border
columns included: for a row of 32 cells that costs 6 % more cells and saves 32 loop prologues with their alias checks.
Border cells hold numbers of no meaning between a sweep and the next `wrap`.

Neighbours are slices: an index such as `a[q - S]` would make Numba test for negative indices in every iteration,
which stops vectorisation.
"""

from __future__ import annotations

import numpy as np

from solver import stencil
from solver.compiling import kernel
from solver.cpu.copying import LINE, copy_rows, copy_run
from solver.cpu.layout import DIRICHLET, PERIODIC


@kernel(part=True)
def padded_size(rows, columns, itemsize):
    """Cells from one padded plane to the next: whole cache lines, and never a multiple of 4 KiB.

    Planes exactly 4 KiB apart fall on the same lines of the first-level cache.
    """
    line = LINE // itemsize
    size = ((rows + 2) * (columns + 2) + line - 1) // line * line
    if size * itemsize % 4096 < LINE:
        size += line
    return size


@kernel()
def padded_planes(count, rows, columns, like):
    """Return `count` zeroed padded planes, whose first inner row starts on a cache line."""
    itemsize = like.itemsize
    size = padded_size(rows, columns, itemsize)
    store = np.zeros(count * size + LINE // itemsize, like.dtype)
    start = (-(store.ctypes.data // itemsize + columns + 2)) % (LINE // itemsize)
    return store[start : start + count * size].reshape(count, size)


@kernel(part=True)
def wrap_columns(a, first, last, columns, sides):
    """Fill the two border columns of rows first..last-1 (padded row numbers): the other edge, or the edge itself."""
    S = columns + 2
    west = columns if sides[2] == PERIODIC else 1
    east = 1 if sides[3] == PERIODIC else columns
    for i in range(first, last):
        a[i * S] = a[i * S + west]
        a[i * S + columns + 1] = a[i * S + east]


@kernel()
def wrap_rows(a, rows, columns, sides):
    """Fill the two border rows; corners included once the columns are wrapped."""
    S = columns + 2
    copy_run(a, 0, a, (rows if sides[0] == PERIODIC else 1) * S, S)
    copy_run(a, (rows + 1) * S, a, (1 if sides[1] == PERIODIC else rows) * S, S)


@kernel(part=True)
def wrap(a, rows, columns, sides):
    """Fill the whole border."""
    wrap_columns(a, 1, rows + 1, columns, sides)
    wrap_rows(a, rows, columns, sides)


@kernel()
def turn_rows(u, rows, columns, sides):
    """Turn the velocity across the north and south wall around, in the border rows filled by `wrap_rows`."""
    S = columns + 2
    for side in range(2):
        if sides[side] != PERIODIC:
            row = u[side * (rows + 1) * S : (side * (rows + 1) + 1) * S]
            for j in range(S):
                row[j] = -row[j]


@kernel(part=True)
def turn_columns(v, first, last, columns, sides):
    """Turn the velocity across the west and east wall around, in the border columns filled by `wrap_columns`."""
    S = columns + 2
    for side in range(2):
        if sides[2 + side] != PERIODIC:
            for i in range(first, last):
                v[i * S + side * (columns + 1)] = -v[i * S + side * (columns + 1)]


@kernel(part=True)
def has_walls(sides):
    """Whether any side is a Dirichlet wall."""
    return sides[0] == DIRICHLET or sides[1] == DIRICHLET or sides[2] == DIRICHLET or sides[3] == DIRICHLET


@kernel(part=True)
def on_wall(i, j, rows, columns, sides):
    """Whether the cell in row i and column j (padded) lies on a Dirichlet wall."""
    return (
        (i == 1 and sides[0] == DIRICHLET)
        or (i == rows and sides[1] == DIRICHLET)
        or (j == 1 and sides[2] == DIRICHLET)
        or (j == columns and sides[3] == DIRICHLET)
    )


@kernel(part=True)
def wall_stride(i, rows, columns, sides):
    """Columns from one cell of row i (padded) that may lie on a Dirichlet wall to the next: 1, or to the other edge."""
    whole = (i == 1 and sides[0] == DIRICHLET) or (i == rows and sides[1] == DIRICHLET)
    return 1 if whole else max(1, columns - 1)


@kernel(part=True)
def hold_walls(c, f, first, last, rows, columns, sides):
    """On Dirichlet walls in rows first..last-1 (padded) let the update be the value that `f` holds there."""
    if not has_walls(sides):
        return
    for i in range(first, last):
        for j in range(1, columns + 1, wall_stride(i, rows, columns, sides)):
            if on_wall(i, j, rows, columns, sides):
                q = i * (columns + 2) + j
                for n in range(6):
                    c[n, q] = 0
                c[6, q] = f[q]


@kernel(part=True)
def load_rows(a, flat, first, last, columns):
    """Copy rows first..last-1 of a plane into a padded plane; a plane of one value fills them, border included."""
    S = columns + 2
    if flat.size == 1:
        a[(first + 1) * S : (last + 1) * S] = flat[0]
    else:
        copy_rows(a, (first + 1) * S + 1, S, flat, first * columns, columns, last - first, columns)


@kernel()
def store_rows(flat, a, first, last, columns):
    """Copy rows first..last-1 of a padded plane into a plane."""
    S = columns + 2
    copy_rows(flat, first * columns, columns, a, (first + 1) * S + 1, S, last - first, columns)


@kernel(part=True)
def stencil_views(a, start, stop, columns):
    """Return the cells start..stop-1 of a padded plane and their neighbours: centre, north, south, west, east."""
    S = columns + 2
    return (
        a[start:stop],
        a[start - S : stop - S],
        a[start + S : stop + S],
        a[start - 1 : stop - 1],
        a[start + 1 : stop + 1],
    )


@kernel(part=True)
def seven(c, start, stop):
    """Return the cells start..stop-1 of seven padded planes."""
    return (
        c[0, start:stop],
        c[1, start:stop],
        c[2, start:stop],
        c[3, start:stop],
        c[4, start:stop],
        c[5, start:stop],
        c[6, start:stop],
    )


@kernel(part=True)
def assemble(c, u, v, Dx, Dy, f, start, stop, columns, r):
    """Assemble the coefficients `c` (7 padded planes) of the cells start..stop-1 (flat, padded)."""
    u, u_north, u_south, _, _ = stencil_views(u, start, stop, columns)
    v, _, _, v_west, v_east = stencil_views(v, start, stop, columns)
    Dx, Dx_north, Dx_south, _, _ = stencil_views(Dx, start, stop, columns)
    Dy, _, _, Dy_west, Dy_east = stencil_views(Dy, start, stop, columns)
    f = f[start:stop]
    old, centre, north, south, west, east, forcing = seven(c, start, stop)
    for q in range(u.size):
        point = stencil.assemble(
            (u[q], u_north[q], u_south[q]),
            (v[q], v_west[q], v_east[q]),
            (Dx[q], Dx_north[q], Dx_south[q]),
            (Dy[q], Dy_west[q], Dy_east[q]),
            f[q],
            r,
        )
        old[q], centre[q], north[q], south[q], west[q], east[q], forcing[q] = point


@kernel(part=True)
def sweep(new, c, now, old, start, stop, columns):
    """One time step of the cells start..stop-1: new = H[k+1] from now = H[k] and old = H[k-1]."""
    now, north, south, west, east = stencil_views(now, start, stop, columns)
    new, old = new[start:stop], old[start:stop]
    c0, c1, c2, c3, c4, c5, c6 = seven(c, start, stop)
    for q in range(new.size):
        point = (c0[q], c1[q], c2[q], c3[q], c4[q], c5[q], c6[q])
        new[q] = stencil.step(point, old[q], now[q], north[q], south[q], west[q], east[q])


@kernel(part=True)
def move(new, now, old, start, stop, ratios):
    """Move H[k+1] and H[k] by the Robert-Asselin-Williams filter."""
    new, now, old = new[start:stop], now[start:stop], old[start:stop]
    for q in range(new.size):
        d = stencil.displacement(new[q], now[q], old[q], ratios)
        new[q] -= (ratios.one - ratios.alpha) * d
        now[q] += ratios.alpha * d
