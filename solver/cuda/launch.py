"""A call as launches."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

from numba import from_dtype

from solver.cuda import target
from solver.cuda.adjoint_cells import LENT
from solver.cuda.adjoint_kernels import SUMS, adjoint_regions
from solver.cuda.batch import DeviceBatch
from solver.cuda.forward_kernels import LEVELS, forward_regions
from solver.cuda.memory import address_of
from solver.cuda.plan import Plan, plan_adjoint, plan_forward

ROOM = 2**28  # bytes of global scratch of an adjoint in several launches


class Gradient(NamedTuple):
    """Of one input."""

    memory: Any
    shape: tuple[int, ...]
    "of what lies there"


def advance(batch: DeviceBatch, steps: int, now_out: Any, old_out: Any = None) -> None:
    """Write H[K] and, if there is memory for it, H[K-1]."""
    plan = plan_forward(batch.rows, batch.columns, steps, batch.dtype.itemsize, target.shared_bytes())
    kernel = forward_regions(plan.block, from_dtype(batch.dtype), batch.with_shares)
    passages = plan.passages(steps)
    between = [(batch.memory(), batch.memory()) for _ in range(min(2, len(passages) - 1))]
    for n, depth in enumerate(passages):
        to = (now_out, old_out) if n == len(passages) - 1 else between[n % 2]
        _advance(kernel, plan, batch, depth, *to)
        batch = batch.with_levels(*to)


def _advance(kernel: target.Kernel, plan: Plan, batch: DeviceBatch, steps: int, now_out: Any, old_out: Any) -> None:
    """Make one launch."""
    arguments = address_of(now_out), address_of(old_out), *batch.arguments(), plan.cut, batch.kinds, steps, batch.first
    shared = plan.shared(LEVELS, batch.dtype.itemsize)
    kernel.launch(batch.planes * plan.cut.regions, plan.block.threads, batch.stream, shared, arguments)


def pull_back(
    batch: DeviceBatch, steps: int, of_now: Any, of_old: Any, wanted: tuple[bool, ...]
) -> list[Gradient | None]:
    """Return the gradients of the inputs that are wanted; K >= 1.

    That of an input with one value for all cells of a plane holds sums of blocks, some for each plane; it is for the
    caller to sum over whatever else an input is broadcast over.
    """
    shared = target.shared_bytes()
    plan = plan_adjoint(batch.rows, batch.columns, steps, batch.dtype.itemsize, shared)
    shapes = [(*batch.shape[:-2], *batch.gradient_of_plane(which, plan.cut.regions)) for which in range(7)]
    found = [batch.memory(prod(shape)) if w else None for w, shape in zip(wanted, shapes, strict=True)]
    passages = plan.passages(steps)
    # Levels between two launches, their cotangents in turn, and the sums.
    scratch = (2 * (len(passages) - 1) + 4 + SUMS) * batch.cells * batch.dtype.itemsize
    chunk = batch.planes if len(passages) == 1 else max(1, min(batch.planes, ROOM // scratch))
    for first in range(0, batch.planes, chunk):
        part = batch.part(first, chunk)
        results = [address_of(g, first * prod(shape[-2:])) for g, shape in zip(found, shapes, strict=True)]
        cotangents = [address_of(c, first * batch.cells) for c in (of_now, of_old)]
        _pull_back(part, plan, passages, cotangents, results)
    return [None if g is None else Gradient(g, shape) for g, shape in zip(found, shapes, strict=True)]


def _pull_back(batch: DeviceBatch, plan: Plan, passages: list[int], cotangents: list[Any], results: list[Any]) -> None:
    """Pull back through the passages, the last first, for some planes."""
    begins = [batch]
    kernel = forward_regions(plan.block, from_dtype(batch.dtype), batch.with_shares)
    for steps in passages[:-1]:
        levels = batch.memory(), batch.memory()
        _advance(kernel, plan, begins[-1], steps, *levels)
        begins.append(batch.with_levels(*levels))
    several = len(passages) > 1
    turns = [[batch.memory() for _ in range(2)] for _ in range(2 if several else 0)]
    sums = batch.memory(SUMS * batch.planes * batch.cells) if several else None
    kernel = adjoint_regions(plan.block, from_dtype(batch.dtype), batch.with_shares)
    nobody = address_of(None)
    for n in range(len(passages) - 1, -1, -1):
        steps, kept, g = passages[n], None, tuple(results)
        if n > 0:
            kept = sums
            levels = tuple(address_of(level) for level in turns[n % 2])
            g = (*levels, *[nobody] * 5)
        shared = plan.shared(LENT + steps, batch.dtype.itemsize)
        before = address_of(sums if n < len(passages) - 1 else None)
        arguments = g, *cotangents, before, address_of(kept), *begins[n].arguments(), plan.cut, batch.kinds, steps
        blocks = batch.planes * plan.cut.regions
        kernel.launch(blocks, plan.block.threads, batch.stream, shared, (*arguments, batch.first))
        cotangents = list(g[:2])
