"""JAX: the steps of a batch unrolled into one jitted function, those of a grid in a jitted loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.case import Prepared
from benchmarks.problem import Problem
from solver.records import Array, Inputs

jax.config.update("jax_enable_x64", True)


def forward(problem: Problem) -> Prepared:
    """Return K steps."""
    values = [jnp.asarray(array) for array in problem.draw()]
    step = jax.jit(_evolve(problem))
    return Prepared(lambda: step(*values).block_until_ready(), lambda result: (np.asarray(result),))


def backward(problem: Problem) -> Prepared:
    """Return K steps and the gradients by the wanted inputs, jitted together."""
    named = {name: jnp.asarray(array) for name, array in zip(Inputs._fields, problem.draw(), strict=True)}
    fixed = {name: named[name] for name in problem.shapes if name not in problem.wanted}
    cotangent = jnp.asarray(problem.cotangent())
    evolve = _evolve(problem)

    def output(leaves: dict[str, Any], fixed: dict[str, Any]) -> Any:
        given = leaves | fixed
        return evolve(**given, **dict.fromkeys(problem.same, given["now"]))

    @jax.jit
    def gradients(leaves: dict[str, Any], fixed: dict[str, Any], cotangent: Any) -> Any:
        return jax.vjp(lambda x: output(x, fixed), leaves)[1](cotangent)[0]

    leaves = {name: named[name] for name in problem.wanted}

    def arrays(result: dict[str, Any]) -> tuple[Array, ...]:
        return tuple(np.asarray(result[name]) for name in problem.wanted)

    return Prepared(lambda: jax.block_until_ready(gradients(leaves, fixed, cotangent)), arrays)


def _evolve(problem: Problem) -> Callable[..., Any]:
    dt, steps = problem.mesh.dt, problem.steps

    def evolve(now: Any, old: Any, source: Any, u: Any, v: Any, Dx: Any, Dy: Any) -> Any:
        a, b, p, q = dt * u, dt * v, 2 * dt * Dx, 2 * dt * Dy

        def step(_: Any, levels: Any) -> Any:
            now, old = levels
            new = (
                (1 - p - q) * old
                - (_difference(a, -2) + _difference(b, -1)) * now
                + (p + a) * jnp.roll(now, 1, -2)
                + (p - a) * jnp.roll(now, -1, -2)
                + (q + b) * jnp.roll(now, 1, -1)
                + (q - b) * jnp.roll(now, -1, -1)
                + 2 * dt * source
            ) / (1 + p + q)
            return new, now

        levels = (now, old)
        if problem.is_grid:
            return jax.lax.fori_loop(0, steps, step, levels)[0]
        for k in range(steps):
            levels = step(k, levels)
        return levels[0]

    return evolve


def _difference(velocity: Any, axis: int) -> Any:
    """Return twice the central difference; a constant has none."""
    if velocity.ndim < 2 or velocity.shape[axis] == 1:
        return 0.0
    return jnp.roll(velocity, -1, axis) - jnp.roll(velocity, 1, axis)
