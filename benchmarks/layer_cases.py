"""The layer's cases: many small planes, as they are between two convolutions."""

from __future__ import annotations

from math import prod

from benchmarks.case import SchemeCase
from benchmarks.peers import OURS
from benchmarks.problem import CONSTANT_D, LAYER, PER_CELL, PER_CHANNEL, SCALAR, Problem

BATCH = (128, 16, 32, 32)  # a batch of 128 with 16 channels: the first stage of the CIFAR network
SHAPES = ((128, 32, 16, 16), (128, 64, 8, 8), (128, 1, 28, 28), (64, 16, 56, 56), (64, 16, 112, 112))
DIFFERENTIABLE = ("torch", "torch.compile", "jax")
STEPS_OF_THE_FIGURE = (1, 2, 5, 10, 20, 50)
COMPILED_UP_TO = {False: 20, True: 10}  # torch.compile unrolls the steps: beyond, it compiles for minutes


def case(problem: Problem, backward: bool, peers: tuple[str, ...], group: str = "layer", note: str = "") -> SchemeCase:
    """Name a case by its planes, K and direction."""
    planes = "x".join(str(n) for n in (prod(problem.shape[:-2]), *problem.shape[-2:]))
    direction = "forward+backward" if backward else "forward"
    name = " ".join(filter(None, (planes, f"K={problem.steps}", direction, note)))
    return SchemeCase(name, group, problem, backward, (OURS, *peers))


def layer(shape: tuple[int, ...], steps: int, coefficients: str = PER_CELL, same: tuple[str, ...] = LAYER) -> Problem:
    """Return K steps with H[0] = H[-1] = f, float32."""
    return Problem(shape, steps, coefficients=coefficients, same=same)


def main_cases() -> list[SchemeCase]:
    """Return the cases of the batch with coefficients per cell."""
    found = [case(layer(BATCH, K), False, (*DIFFERENTIABLE, "numba", "numpy")) for K in (1, 5, 20)]
    return found + [case(layer(BATCH, K), True, DIFFERENTIABLE) for K in (1, 5)]


def cases() -> list[SchemeCase]:
    """Return the cases of the layer's tables, and those that only the figure over K needs."""
    forward = (*DIFFERENTIABLE, "numba")
    found = main_cases()
    for shape in SHAPES:
        found += [case(layer(shape, K), False, forward) for K in (1, 5)]
        found += [case(layer(shape, K), True, DIFFERENTIABLE) for K in (1, 5)]
    for kind in (PER_CHANNEL, SCALAR, CONSTANT_D):
        for backward in (False, True):
            found.append(case(layer(BATCH, 5, kind), backward, DIFFERENTIABLE, note=f"({kind})"))
    for backward in (False, True):
        found.append(case(layer(BATCH, 5, same=()), backward, DIFFERENTIABLE, note="(seven inputs)"))
    return found + over_steps()


def over_steps() -> list[SchemeCase]:
    """Return what the figure over K shows beyond the table."""
    shown = [(K, False) for K in STEPS_OF_THE_FIGURE if K not in (1, 5, 20)]
    shown += [(K, True) for K in STEPS_OF_THE_FIGURE if K not in (1, 5)]
    found = []
    for K, backward in shown:
        compiled = ("torch.compile",) if COMPILED_UP_TO[backward] >= K else ()
        loop = () if backward else ("numba",)
        found.append(case(layer(BATCH, K), backward, ("torch", *compiled, *loop), group="over K"))
    return found
