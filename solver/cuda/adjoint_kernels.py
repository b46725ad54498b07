"""The adjoint of K steps of a region on the GPU, in one launch.

Nothing of the forward run is kept: a block computes coefficients and states again, in registers and shared memory. It
gathers what a cell receives, with no atomics: results do not depend on the order in which threads run.

More steps than shared memory has room for are pulled back launch by launch, the last ones first: each begins from
stored levels, and hands on dL/dH of its first two levels and the sums of the coefficients' gradients. The last launch,
that of the first steps, turns the sums into gradients of the fields; a cell of its core reads its neighbours' sums,
which takes one more ring of cells than steps.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from solver import stencil
from solver.compiling import point_function
from solver.cpu.layout import DX, DY, NOW, OLD, SOURCE, U, V
from solver.cuda.adjoint_cells import CENTRE, LAMS, STATES, B, fields_of, lend, lent, numerators, pulled, towards
from solver.cuda.arguments import all_ratios, pruned_ratios, sides_of
from solver.cuda.block_sums import any_summed, fold, give, give_sum, hold
from solver.cuda.cells import assembled, read, source_of
from solver.cuda.memory import fetch, is_wanted, put, word
from solver.cuda.regions import Block, cell_of, in_core, place_of, region_of
from solver.cuda.shared_planes import around, cells_of_thread, ends_of, spread
from solver.cuda.target import Kernel, cuda

SUMS = 7  # a cell
RING = 1  # cells of the halo beyond one for each step


@point_function
def coefficients(old, centre, beside, forcing):
    """Return seven coefficients in the order of `stencil.assemble`."""
    return old, centre, beside[0], beside[1], beside[2], beside[3], forcing


@cache
def adjoint_regions(block: Block, dtype: Any, with_shares: bool) -> Kernel:
    """Return the kernel for a block; `with_shares`: for forms in which neighbours have shares.

    Its arguments: g, seven memories for the gradients; the cotangents of H[K] and H[K-1]; seven planes of sums for each
    plane, of the later steps, and to hand on; the inputs; and the planes before the first of this launch.
    """
    width, apart, each = block
    ratios_of = all_ratios if with_shares else pruned_ratios
    pitch, plane, stride = block.pitch, block.plane, block.apart * block.pitch

    def adjoint(g, of_now, of_old, sums_in, sums_out, arrays, table, numbers, cut, kinds, steps, skipped):
        r, sides = ratios_of(numbers, dtype(1)), sides_of(kinds)
        memory = cuda.shared.array(0, dtype)
        own = cuda.local.array((each, 4), dtype)  # coefficients of H[k-1] and H[k], the forcing, H[-1]
        sums = cuda.local.array((each, SUMS), dtype)
        region = region_of(cuda.blockIdx.x, cut, sides)
        source = source_of(table, skipped + region.plane)
        i0, j, q0, rows = cells_of_thread(cuda.threadIdx.x, width, pitch, region)
        cells, zero = cut.rows * cut.columns, r.one - r.one
        start, first_sum = region.plane * cells, region.plane * SUMS * cells

        for m in range(each):
            i, q = word(i0 + m * apart), word(q0 + m * stride)
            if i < rows:
                place, ends = place_of(i, j, region, cut, sides, r), ends_of(m, i, j, region, pitch)
                made = assembled(arrays, source, place, r)
                own[m, 0], own[m, 1], own[m, 2] = made[0], made[1], made[6]
                own[m, 3] = read(arrays, source, OLD, place.q, r.one)
                lend(memory, q, plane, (made[2], made[3], made[4], made[5]), ends)
                spread(memory, word(STATES * plane + q), read(arrays, source, NOW, place.q, r.one), ends)
                last = fetch(of_now, start + place.q, r.one)
                spread(memory, word((LAMS + steps % 2) * plane + q), last, ends)
                memory[word((LAMS + (steps + 1) % 2) * plane + q)] = zero
                for n in range(SUMS):
                    sums[m, n] = zero
                if is_wanted(sums_in):
                    for n in range(SUMS):
                        sums[m, n] = fetch(sums_in, first_sum + n * cells + place.q, r.one)
        cuda.syncthreads()

        for k in range(steps - 1):
            for m in range(each):
                i, q = word(i0 + m * apart), word(q0 + m * stride + (STATES + k) * plane)
                if i < rows:
                    old = own[m, 3] if k == 0 else memory[word(q - plane)]
                    beside = towards(memory, word(q0 + m * stride), plane)
                    c = coefficients(own[m, 0], own[m, 1], beside, own[m, 2])
                    H = around(memory, q, pitch)
                    spread(memory, word(q + plane), stencil.step(c, old, *H), ends_of(m, i, j, region, pitch))
            cuda.syncthreads()

        for k in range(steps - 1, -1, -1):
            for m in range(each):
                i, q = word(i0 + m * apart), word(q0 + m * stride)
                if i < rows:
                    now = word(q + (STATES + k) * plane)
                    to, lam = word(q + (LAMS + k % 2) * plane), word(q + (LAMS + (k + 1) % 2) * plane)
                    old = own[m, 3] if k == 0 else memory[word(now - plane)]
                    L = around(memory, lam, pitch)
                    f0, f1, f2, f3, f4, f5, f6 = stencil.step_adjoint(L[0], old, *around(memory, now, pitch))
                    sums[m, 0] += f0
                    sums[m, 1] += f1
                    sums[m, 2] += f2
                    sums[m, 3] += f3
                    sums[m, 4] += f4
                    sums[m, 5] += f5
                    sums[m, 6] += f6
                    # dL/dH[k+2] lies where dL/dH[k] goes.
                    made = pulled((own[m, 0], own[m, 1]), lent(memory, q, plane, pitch), L, memory[to], zero)
                    if k == steps - 1 and is_wanted(of_old):
                        made += fetch(of_old, start + cell_of(i, j, region, cut), r.one)
                    spread(memory, to, made, ends_of(m, i, j, region, pitch))
            cuda.syncthreads()

        total_now, total_old = zero, zero
        for m in range(each):
            i, q = word(i0 + m * apart), word(q0 + m * stride)
            if i < rows and in_core(i, j, region):
                to = cell_of(i, j, region, cut)
                of_first = own[m, 0] * memory[word((LAMS + 1) * plane + q)]
                total_now += give(g, NOW, start + to, memory[word(LAMS * plane + q)], table, cut)
                total_old += give(g, OLD, start + to, of_first, table, cut)
                if is_wanted(sums_out):
                    for n in range(SUMS):
                        put(sums_out, first_sum + n * cells + to, sums[m, n])
        cuda.syncthreads()
        if not is_wanted(sums_out):
            for m in range(each):
                i, q = word(i0 + m * apart), word(q0 + m * stride)
                if i < rows:
                    c = coefficients(own[m, 0], own[m, 1], towards(memory, q, plane), own[m, 2])
                    found = sums[m, 0], sums[m, 1], sums[m, 2], sums[m, 3], sums[m, 4], sums[m, 5], sums[m, 6]
                    b, centre, n, s, w, e, f = numerators(
                        arrays, source, c, found, place_of(i, j, region, cut, sides, r), r
                    )
                    ends = ends_of(m, i, j, region, pitch)
                    lend(memory, q, plane, (n, s, w, e), ends)
                    spread(memory, word(B * plane + q), b, ends)
                    spread(memory, word(CENTRE * plane + q), centre, ends)
                    sums[m, 6] = f
            cuda.syncthreads()
            of_u, of_v, of_Dx, of_Dy, of_source = zero, zero, zero, zero, zero
            for m in range(each):
                i, q = word(i0 + m * apart), word(q0 + m * stride)
                if i < rows and in_core(i, j, region):
                    made_u, made_v, made_Dx, made_Dy = fields_of(memory, q, plane, pitch, r)
                    to = start + cell_of(i, j, region, cut)
                    of_u += give(g, U, to, made_u, table, cut)
                    of_v += give(g, V, to, made_v, table, cut)
                    of_Dx += give(g, DX, to, made_Dx, table, cut)
                    of_Dy += give(g, DY, to, made_Dy, table, cut)
                    of_source += give(g, SOURCE, to, sums[m, 6], table, cut)
            cuda.syncthreads()
            if any_summed(g, table, cut):
                thread, threads = cuda.threadIdx.x, cuda.blockDim.x
                hold(memory, thread, threads, (total_now, total_old, of_source, of_u, of_v, of_Dx, of_Dy))
                cuda.syncthreads()
                left = threads
                while left > 1:
                    left = fold(memory, thread, threads, left)
                    cuda.syncthreads()
                if thread == 0:
                    for which in range(7):
                        give_sum(g, which, cuda.blockIdx.x, memory, threads, table, cut)

    return Kernel(adjoint, block.threads)
