"""The adjoint of K steps on the GPU: of a plane by one block in one launch.

Nothing of the forward run is kept: a block computes coefficients and states again in scratch, in shared memory where
they fit, else in its part of global memory. It gathers what a cell receives, with no atomics: results do not depend on
the order in which threads run.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from solver import stencil
from solver.compiling import point_function
from solver.cuda.adjoint_cells import fields_of, keep, kept, numerators, pulled
from solver.cuda.cells import assembled, place_of, read, source_of
from solver.cuda.target import cuda, kernel

NOW, OLD = 0, 1
COEFFICIENTS = SUMS = 7
LAMS = 3  # dL/dH[k] and of the two levels after it


def planes_of_scratch(steps: int) -> int:
    """Return how many planes a block needs: coefficients, sums, lams, and H[1] to H[steps - 1]."""
    return COEFFICIENTS + SUMS + LAMS + max(0, steps - 1)


@point_function
def levels_at(memory, states, arrays, source, k, place, cells):
    """Return H[k-1] of a cell and H[k] of it and its neighbours: H[0] and H[-1] are inputs, later ones in scratch."""
    q = place.q
    if k == 0:
        return (
            read(arrays, source, OLD, q),
            read(arrays, source, NOW, q),
            read(arrays, source, NOW, place.north),
            read(arrays, source, NOW, place.south),
            read(arrays, source, NOW, place.west),
            read(arrays, source, NOW, place.east),
        )
    now = states + (k - 1) * cells
    return (
        read(arrays, source, NOW, q) if k == 1 else memory[now - cells + q],
        memory[now + q],
        memory[now + place.north],
        memory[now + place.south],
        memory[now + place.west],
        memory[now + place.east],
    )


@point_function
def add(memory, sums, cells, q, found):
    """Add to the seven sums of a cell."""
    for m in range(SUMS):
        memory[sums + m * cells + q] += found[m]


@point_function
def write(g, start, which, q, value):
    """Write a gradient, if it is wanted."""
    if g[which].size > 0:
        g[which][start + q] = value


@cache
def whole_planes(shared: bool, dtype: Any) -> Any:
    """Return the kernel whose scratch is in shared memory, or in `room`, a part for each block."""

    @kernel
    def adjoint(g, cotangents, room, arrays, table, r, rows, columns, sides, steps, planes):
        cells, first, stride = rows * columns, cuda.threadIdx.x, cuda.blockDim.x
        if shared:
            memory = cuda.shared.array(0, dtype)
            c = 0
        else:
            memory = room
            c = cuda.blockIdx.x * (room.size // cuda.gridDim.x)
        sums = c + COEFFICIENTS * cells
        lams = sums + SUMS * cells
        states = lams + LAMS * cells  # H[k] is at states + (k - 1) * cells
        of_now, of_old = cotangents
        zero = r.one - r.one
        for p in range(cuda.blockIdx.x, planes, cuda.gridDim.x):
            source = source_of(table, p)
            for q in range(first, cells, stride):
                place = place_of(q, rows, columns, sides, r)
                made = assembled(arrays, source, place, r)
                keep(memory, c, cells, q, made)
                keep(memory, sums, cells, q, (zero, zero, zero, zero, zero, zero, zero))
                memory[lams + steps % 3 * cells + q] = of_now[p * cells + q]
                memory[lams + (steps + 1) % 3 * cells + q] = zero
                if steps > 1:
                    memory[states + q] = stencil.step(made, *levels_at(memory, states, arrays, source, 0, place, cells))
            cuda.syncthreads()
            for k in range(1, steps - 1):
                for q in range(first, cells, stride):
                    place = place_of(q, rows, columns, sides, r)
                    H = levels_at(memory, states, arrays, source, k, place, cells)
                    memory[states + k * cells + q] = stencil.step(kept(memory, c, cells, q), *H)
                cuda.syncthreads()
            for k in range(steps - 1, -1, -1):
                to, lam, later = lams + k % 3 * cells, lams + (k + 1) % 3 * cells, lams + (k + 2) % 3 * cells
                for q in range(first, cells, stride):
                    place = place_of(q, rows, columns, sides, r)
                    H = levels_at(memory, states, arrays, source, k, place, cells)
                    add(memory, sums, cells, q, stencil.step_adjoint(memory[lam + q], *H))
                    made = pulled(memory, c, lam, memory[later + q], cells, place, r)
                    if k == steps - 1 and of_old.size > 0:
                        made += of_old[p * cells + q]
                    memory[to + q] = made
                cuda.syncthreads()
            for q in range(first, cells, stride):
                point = kept(memory, c, cells, q)
                write(g, p * cells, NOW, q, memory[lams + q])
                write(g, p * cells, OLD, q, point[0] * memory[lams + cells + q])
                place = place_of(q, rows, columns, sides, r)
                keep(memory, sums, cells, q, numerators(arrays, source, point, kept(memory, sums, cells, q), place, r))
            cuda.syncthreads()
            for q in range(first, cells, stride):
                made = fields_of(memory, sums, cells, place_of(q, rows, columns, sides, r), r)
                write(g, p * cells, 3, q, made[0])
                write(g, p * cells, 4, q, made[1])
                write(g, p * cells, 5, q, made[2])
                write(g, p * cells, 6, q, made[3])
                write(g, p * cells, 2, q, made[4])
            cuda.syncthreads()

    return adjoint
