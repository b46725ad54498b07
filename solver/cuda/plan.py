"""How a call is made: how planes are cut, for which block of threads, and how many steps a launch makes."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from solver.cuda.adjoint_cells import LENT
from solver.cuda.adjoint_kernels import RING
from solver.cuda.forward_kernels import LEVELS
from solver.cuda.regions import Block, Cut, cut_planes

# Blocks by the bytes of a number, the smallest first. A thread's registers hold eight numbers of each of its cells,
# eleven in an adjoint, and a block has 65,536 registers. Four warps at a time get theirs: large blocks are whole fours.
FORWARD = {
    4: (Block(8, 8, 1), Block(16, 16, 1), Block(32, 8, 4), Block(64, 6, 8)),
    8: (Block(8, 8, 1), Block(16, 16, 1), Block(32, 8, 4), Block(64, 6, 4)),
}
ADJOINT = {
    4: (Block(8, 8, 1), Block(16, 16, 1), Block(32, 8, 4), Block(64, 6, 4)),
    8: (Block(8, 8, 1), Block(16, 16, 1), Block(32, 8, 4), Block(64, 6, 3)),
}
DEPTH = 5  # steps of a launch where planes are cut: with more, halos cost more than passages through memory save


class Plan(NamedTuple):
    """How the steps of a call are made."""

    cut: Cut
    block: Block
    depth: int
    "steps of a launch, at most"

    def shared(self, planes: int, itemsize: int) -> int:
        """Return bytes of shared memory for so many planes."""
        return planes * self.block.plane * itemsize

    def passages(self, steps: int) -> list[int]:
        """Return how many of K steps each launch makes, as even as can be."""
        count = max(1, -(-steps // self.depth))
        return [steps * (n + 1) // count - steps * n // count for n in range(count)]


@lru_cache(maxsize=256)
def plan_forward(rows: int, columns: int, steps: int, itemsize: int, shared: int) -> Plan:
    """Plan K steps on planes: all of them in a launch if a block can hold a plane."""
    return _plan(rows, columns, steps, FORWARD[itemsize], shared // itemsize, _Planes(LEVELS, 0, 0))


@lru_cache(maxsize=256)
def plan_adjoint(rows: int, columns: int, steps: int, itemsize: int, shared: int) -> Plan:
    """Plan the adjoint of K steps: all of them in a launch if a block can hold a plane and its K levels."""
    return _plan(rows, columns, steps, ADJOINT[itemsize], shared // itemsize, _Planes(LENT, 1, RING))


class _Planes(NamedTuple):
    """What a kernel needs."""

    fixed: int
    "planes of shared memory"
    a_step: int
    "more of them for each step"
    ring: int
    "cells of the halo beyond one for each step"


def _plan(rows: int, columns: int, steps: int, blocks: tuple[Block, ...], numbers: int, need: _Planes) -> Plan:
    """Plan for `numbers` of shared memory: a whole plane in the smallest block that holds it, or the least work."""
    steps, plans = max(1, steps), []
    for block in blocks:
        most = (numbers // block.plane - need.fixed) // need.a_step if need.a_step else steps
        if most < 1 or block.plane * need.fixed > numbers:
            continue
        whole = cut_planes(rows, columns, 0, block)
        if whole is not None and whole.regions == 1:
            return Plan(whole, block, min(steps, most))
        for depth in range(min(steps, most, DEPTH), 0, -1):
            cut = cut_planes(rows, columns, depth + need.ring, block)
            if cut is not None:
                plans.append(Plan(cut, block, depth))
                break
    if not plans:
        raise RuntimeError(f"a block of this GPU has too little shared memory, {numbers} numbers: use backend='cpu'")
    return min(plans, key=lambda plan: plan.cut.regions * plan.block.cells / plan.depth)
