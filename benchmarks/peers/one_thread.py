"""Ours on one thread, for the scaling."""

from __future__ import annotations

from benchmarks.case import Prepared
from benchmarks.problem import Problem, fields_of, levels_of
from solver import cpu
from solver.cpu.threads import Team


def forward(problem: Problem) -> Prepared:
    """Run the bare kernel on the caller's thread alone."""
    inputs = problem.draw()
    levels, fields, mesh = levels_of(inputs), fields_of(inputs), problem.mesh
    alone = Team(1)
    return Prepared(lambda: cpu.forward(levels, fields, mesh, problem.steps, alone), lambda reached: (reached.now,))
