"""NumPy, as one writes it: `np.roll` and whole arrays."""

from __future__ import annotations

import numpy as np

from benchmarks.case import Prepared
from benchmarks.problem import Problem
from solver.records import Array


def forward(problem: Problem) -> Prepared:
    """Return K steps; the coefficients are made once."""
    x, steps = problem.draw(), problem.steps
    dt = x.now.dtype.type(problem.mesh.dt)

    def run() -> Array:
        a, b, p, q = dt * x.u, dt * x.v, 2 * dt * x.Dx, 2 * dt * x.Dy
        divergence = np.roll(a, -1, -2) - np.roll(a, 1, -2) + np.roll(b, -1, -1) - np.roll(b, 1, -1)
        inverse, m, forcing = 1 / (1 + p + q), 1 - p - q, 2 * dt * x.source
        old, now = x.old, x.now
        for _ in range(steps):
            new = inverse * (
                m * old
                - divergence * now
                + (p + a) * np.roll(now, 1, -2)
                + (p - a) * np.roll(now, -1, -2)
                + (q + b) * np.roll(now, 1, -1)
                + (q - b) * np.roll(now, -1, -1)
                + forcing
            )
            old, now = now, new
        return now

    return Prepared(run, lambda result: (result,))
