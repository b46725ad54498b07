"""The solver's cases: one large grid, as many steps a call as a simulation makes between two saves."""

from __future__ import annotations

from benchmarks.case import SchemeCase
from benchmarks.peers import OURS
from benchmarks.problem import CONSTANT, PER_CELL, START, Problem

STEPS = {64: 256, 128: 128, 256: 64, 512: 32, 1024: 32, 2048: 16, 4096: 16}  # a call of milliseconds at least
BAR = "numba"  # the simple single sweep: the bar that counts
FRAMEWORKS = ("torch.compile", "devito", "jax")
SLOW = ("torch", "numpy", "py-pde")
ONE_THREAD = "one thread"
SOLVES = ((256, 512), (256, 4096), (1024, 256))  # cells of a side and steps: the last two make as many cell updates


def case(problem: Problem, peers: tuple[str, ...], group: str = "grid", note: str = "") -> SchemeCase:
    """Name a case by its size and dtype."""
    name = " ".join(filter(None, (f"{problem.shape[0]}^2", problem.dtype, f"K={problem.steps}", note)))
    return SchemeCase(name, group, problem, False, (OURS, *peers))


def grid(size: int, dtype: str, coefficients: str = PER_CELL, boundary: str = "periodic") -> Problem:
    """Return a square grid with distinct H[0], H[-1] and f."""
    return Problem((size, size), STEPS[size], dtype, coefficients, boundary=boundary)


def cases() -> list[SchemeCase]:
    """Return the cases of the solver's tables, and those that only the figure over the size needs."""
    found = []
    for dtype in ("float64", "float32"):
        for size in (256, 1024, 4096):
            found.append(case(grid(size, dtype), (BAR, *FRAMEWORKS, *SLOW, ONE_THREAD)))
    for dtype in ("float64", "float32"):
        note = "(constant)"
        found.append(case(grid(1024, dtype, CONSTANT), (BAR, "torch.compile", "jax"), "boundaries", note))
    for boundary in ("no-flux", "Dirichlet"):
        found.append(case(grid(1024, "float64", boundary=boundary), (ONE_THREAD,), "boundaries", f"({boundary})"))
    for size, steps in SOLVES:
        long = Problem((size, size), steps, "float64", same=START)
        found.append(case(long, ("solve",), group="solve"))
    sizes = [size for size in STEPS if size not in (256, 1024, 4096)]
    found += [case(grid(size, "float64"), (BAR, *FRAMEWORKS, "torch"), group="over size") for size in sizes]
    return found
