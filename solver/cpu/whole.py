"""The first step of whole planes, straight from the inputs, which are read in place."""

from __future__ import annotations

from solver import stencil
from solver.compiling import kernel, point_function
from solver.cpu.copying import LINE
from solver.cpu.inputs import ask, beside, offsets, row_range
from solver.cpu.layout import DX, DY, NOW, OLD, SOURCE, U, V
from solver.cpu.streaming import stream_run


@point_function
def numbers(j, west, east, v_west, v_east, memory, rows, before, after, r):
    """Return the coefficients of cell j of a row and the cells of H that they multiply, H[k-1] first.

    Its neighbours along the row are the cells `west` and `east`; `rows` are the offsets of the row in all inputs, and
    of the rows before and after it in H, u and Dx.
    """
    now, old, f, u, v, Dx, Dy = memory
    row, north, south = rows
    D_x, D_y = Dx[row[DX] + j], Dy[row[DY] + j]
    Dx_north, Dx_south, Dy_west, Dy_east = D_x, D_x, D_y, D_y
    if r.diffusivity_share is not None:
        Dx_north, Dx_south = Dx[north[2] + j], Dx[south[2] + j]
        Dy_west, Dy_east = Dy[row[DY] + west], Dy[row[DY] + east]
    c = stencil.assemble(
        (u[row[U] + j], before * u[north[1] + j], after * u[south[1] + j]),
        (v[row[V] + j], v_west, v_east),
        (D_x, Dx_north, Dx_south),
        (D_y, Dy_west, Dy_east),
        f[row[SOURCE] + j],
        r,
    )
    H = now[row[NOW] + j], now[north[0] + j], now[south[0] + j], now[row[NOW] + west], now[row[NOW] + east]
    return c, (old[row[OLD] + j], *H)


@point_function
def stepped(c, H):
    """Return H[k+1] from both."""
    return stencil.step(c, H[0], H[1], H[2], H[3], H[4], H[5])


@kernel(apart=True, part=True)
def step_plane(new, out, at, streamed, here, reach, streams, extent, r):
    """Make one step of a plane in `new`; if it is to be streamed, write it past the caches to out[at :] meanwhile."""
    v, rows, n, sides = here.memory[V], extent.rows, extent.columns, extent.sides
    line, done, due = LINE // extent.itemsize, 0, 0
    for i in range(rows):
        ask(here, streams, i, n, extent.itemsize)
        where, before, after = offsets(here, i, rows, sides, r)
        to, v_at = i * n, where[0][V]
        for j in range(*row_range(i, reach, extent)):
            c, H = numbers(j, j - 1, j + 1, v[v_at + j - 1], v[v_at + j + 1], here.memory, where, before, after, r)
            new[to + j] = stepped(c, H)
        for end in range(2):
            j = end * (n - 1)
            west, east, v_west, v_east = beside(j, n, sides, v, v_at, r)
            c, H = numbers(j, west, east, v_west, v_east, here.memory, where, before, after, r)
            new[to + j] = stepped(c, H)
        # A row behind: what was just written in parts is not yet there to be read as a whole.
        if streamed:
            stream_run(out, at + done, new, done, due - done)
            done, due = due, (i + 1) * n // line * line
    if streamed:
        stream_run(out, at + done, new, done, rows * n - done)


@kernel(apart=True, part=True)
def begin_plane(c, work, here, reach, streams, extent, room, r):
    """Make one step of a plane into the odd level of a room, copy H to the even one, and keep the coefficients."""
    v, rows, n, sides = here.memory[V], extent.rows, extent.columns, extent.sides
    for i in range(rows):
        ask(here, streams, i, n, extent.itemsize)
        where, before, after = offsets(here, i, rows, sides, r)
        to, v_at = room.lead + i * room.stride, where[0][V]
        for j in range(*row_range(i, reach, extent)):
            made, H = numbers(j, j - 1, j + 1, v[v_at + j - 1], v[v_at + j + 1], here.memory, where, before, after, r)
            keep(c, work, to + j, made, H, room)
        for end in range(2):
            j = end * (n - 1)
            west, east, v_west, v_east = beside(j, n, sides, v, v_at, r)
            made, H = numbers(j, west, east, v_west, v_east, here.memory, where, before, after, r)
            keep(c, work, to + j, made, H, room)


@point_function
def keep(c, work, q, made, H, room):
    """Write the coefficients of a cell, its H[k] and H[k+1]."""
    c[0][q], c[1][q], c[2][q], c[3][q], c[4][q], c[5][q], c[6][q] = made
    work[q] = H[1]
    work[room.plane + q] = stepped(made, H)
