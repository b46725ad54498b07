"""K time steps of a region on the GPU, in one launch: inputs are read once, H[K] is written once.

A thread keeps the coefficients and H[k-1] of its cells in registers; two levels are in shared memory, of which one is
read while the other is written.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from solver import stencil
from solver.cpu.layout import NOW, OLD
from solver.cuda.arguments import all_ratios, pruned_ratios, sides_of
from solver.cuda.cells import assembled, read, source_of
from solver.cuda.memory import is_wanted, put, word
from solver.cuda.regions import Block, cell_of, in_core, place_of, region_of
from solver.cuda.shared_planes import around, cells_of_thread, ends_of, spread
from solver.cuda.target import Kernel, cuda

LEVELS = 2  # planes of shared memory


@cache
def forward_regions(block: Block, dtype: Any, with_shares: bool) -> Kernel:
    """Return the kernel for a block; `with_shares`: for forms in which neighbours have shares.

    Its arguments: memory for H[K] and H[K-1]; the inputs; and the planes before the first of this launch.
    """
    width, apart, each = block
    ratios_of = all_ratios if with_shares else pruned_ratios
    pitch, plane = block.pitch, block.plane

    def forward(now_out, old_out, arrays, table, numbers, cut, kinds, steps, skipped):
        r, sides = ratios_of(numbers, dtype(1)), sides_of(kinds)
        levels = cuda.shared.array(0, dtype)
        c = cuda.local.array((each, 7), dtype)
        olds = cuda.local.array(each, dtype)
        region = region_of(cuda.blockIdx.x, cut, sides)
        source = source_of(table, skipped + region.plane)
        i0, j, q0, rows = cells_of_thread(cuda.threadIdx.x, width, pitch, region)
        for m in range(each):
            i, q = word(i0 + m * apart), word(q0 + m * (apart * pitch))
            if i < rows:
                place = place_of(i, j, region, cut, sides, r)
                made = assembled(arrays, source, place, r)
                c[m, 0], c[m, 1], c[m, 2], c[m, 3], c[m, 4], c[m, 5], c[m, 6] = made
                olds[m] = read(arrays, source, OLD, place.q, r.one)
                spread(levels, q, read(arrays, source, NOW, place.q, r.one), ends_of(m, i, j, region, pitch))
        cuda.syncthreads()
        for k in range(steps):
            at, to = word(q0 + k % 2 * plane), word(q0 + (k + 1) % 2 * plane)
            for m in range(each):
                i = word(i0 + m * apart)
                if i < rows:
                    H = around(levels, word(at + m * (apart * pitch)), pitch)
                    point = c[m, 0], c[m, 1], c[m, 2], c[m, 3], c[m, 4], c[m, 5], c[m, 6]
                    new = stencil.step(point, olds[m], *H)
                    olds[m] = H[0]
                    spread(levels, word(to + m * (apart * pitch)), new, ends_of(m, i, j, region, pitch))
            cuda.syncthreads()
        start, at = region.plane * cut.rows * cut.columns, word(q0 + steps % 2 * plane)
        for m in range(each):
            i = word(i0 + m * apart)
            if i < rows and in_core(i, j, region):
                to = start + cell_of(i, j, region, cut)
                put(now_out, to, levels[word(at + m * (apart * pitch))])
                if is_wanted(old_out):
                    put(old_out, to, olds[m])

    return Kernel(forward, block.threads)
