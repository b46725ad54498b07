"""Gradients of a block: written where the input has a value a cell, summed where all cells of a plane share one.

The order of a sum is that of the threads, so it is the same in every run; the sums of blocks are added afterwards.
"""

from __future__ import annotations

from solver.compiling import point_function
from solver.cuda.cells import step_of
from solver.cuda.memory import is_wanted, put


@point_function
def is_shared(table, which, cut):
    """Whether all cells of a plane share one value of an input."""
    return step_of(table, which) == 0 and cut.rows * cut.columns > 1


@point_function
def give(g, which, q, value, table, cut):
    """Write the gradient of a cell, if it is wanted, and return what it adds to the sum of its block."""
    if is_wanted(g[which]) and not is_shared(table, which, cut):
        put(g[which], q, value)
    return value


@point_function
def is_summed(g, which, table, cut):
    """Whether the sum of the block is wanted."""
    return is_wanted(g[which]) and is_shared(table, which, cut)


@point_function
def any_summed(g, table, cut):
    """Whether that of any input is."""
    return (
        is_summed(g, 0, table, cut)
        or is_summed(g, 1, table, cut)
        or is_summed(g, 2, table, cut)
        or is_summed(g, 3, table, cut)
        or is_summed(g, 4, table, cut)
        or is_summed(g, 5, table, cut)
        or is_summed(g, 6, table, cut)
    )


@point_function
def hold(memory, thread, threads, seven):
    """Write what a thread adds to the sums."""
    for which in range(7):
        memory[which * threads + thread] = seven[which]


@point_function
def fold(memory, thread, threads, count):
    """Add the upper half of `count` threads' sums to the lower one, and return how many are left."""
    half = (count + 1) // 2
    if thread + half < count:
        for which in range(7):
            memory[which * threads + thread] += memory[which * threads + thread + half]
    return half


@point_function
def give_sum(g, which, block, memory, threads, table, cut):
    """Write the sum of a block, if it is wanted."""
    if is_summed(g, which, table, cut):
        put(g[which], block, memory[which * threads])
