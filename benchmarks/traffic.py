"""What a case must at least move and compute, from its shapes alone: written down before anything is tuned.

Planes fit a cache: whatever K, each distinct input is read once and each output written once. The backward pass reads
the inputs and the gradient of H[K] and writes one gradient an input; what it recomputes stays in cache.

A grid does not fit: we count what one pass over memory *per step* moves, every distinct plane read once and H[k+1]
written over H[k-1]. A sweep that makes several steps per pass needs less: its share of the copy rate can exceed 100 %.

Operations are additions, subtractions, multiplications and divisions a cell, one each, in the published forms; `step`
and `assemble` in `solver.stencil` are what is counted.
"""

from __future__ import annotations

from math import prod

import numpy as np

from benchmarks.problem import Problem

STEP = 12  # six coefficients times values, six additions (the source is the seventh term)
ASSEMBLY = 25  # A, b: 4; b, 1 - b, 1 + b: 3; 1/L: 1; divergence: 5; b +- A: 4; times 1/L and 2 dt f: 8
STEP_ADJOINT = 24  # gradients of seven coefficients: 13; lambda from five cells and the older one's: 11
ASSEMBLY_ADJOINT = 36  # gradients of b: 15, of five numerators and f: 7, of u and v: 8, of Dx and Dy: 6


def words(problem: Problem, backward: bool) -> int:
    """Return the values that must be read and written in one call."""
    inputs = sum(prod(shape) for shape in problem.shapes.values())
    if problem.is_grid:
        both_levels = inputs + (problem.cells if "old" in problem.same else 0)  # they differ after the first step
        return (both_levels + problem.cells) * problem.steps
    forward = inputs + problem.cells
    if not backward:
        return forward
    gradients = sum(prod(problem.shapes[name]) for name in problem.wanted)
    return forward + inputs + problem.cells + gradients


def moved(problem: Problem, backward: bool) -> int:
    """Return the compulsory bytes of one call."""
    return words(problem, backward) * np.dtype(problem.dtype).itemsize


def operations(problem: Problem, backward: bool) -> int:
    """Return the operations of one call; the backward pass recomputes the states, K - 1 steps."""
    K = problem.steps
    each = ASSEMBLY + K * STEP
    if backward:
        each += ASSEMBLY + (K - 1) * STEP + K * STEP_ADJOINT + ASSEMBLY_ADJOINT
    return each * problem.cells
