"""Explicit steps made of steps of the scheme: each in one pass over memory, on all threads.

As expressions of NumPy they go over memory three times each, on one thread, in fresh memory for what lies between. The
formulas are those of `solver.starting`, operation by operation, and make the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from solver.compiling import kernel, point_function
from solver.cpu.layout import writable
from solver.cpu.sharing import share_out
from solver.cpu.threads import own_team, share
from solver.records import Array

PIECE = 2**12  # cells that a thread takes at a time, at the least


def half_L(D: tuple[Array, Array], factors: tuple[float, float], inverse: float, dtype: np.dtype) -> Array:
    """Return 1/2 + (Dx factors[0] + Dy factors[1]) inverse, computed in double precision and rounded to `dtype`."""
    out = np.empty(D[0].shape, dtype)
    _run(write_half_L, (out.reshape(-1), *(_flat(field) for field in D), (*factors, inverse)), out.size)
    return out


def relax(stepped: Array, H: Array, weights: Array, begin: Array | None = None) -> None:
    """Write H + weights (stepped - H) over `stepped`, or its mean with `begin`.

    All are contiguous and of one shape; `weights` may be one number.
    """
    half = stepped.dtype.type(0.5)
    before = stepped.reshape(-1)[:0] if begin is None else _flat(begin)
    _run(relax_pieces, (stepped.reshape(-1), _flat(H), _flat(weights), before, half), stepped.size)


def _flat(values: Array) -> Array:
    return writable(values.reshape(-1))


def _run(kernel: Callable[..., None], arguments: tuple[Any, ...], size: int) -> None:
    share(kernel, arguments, -(-size // PIECE), own_team().for_work(4 * size))


@point_function
def relaxed(stepped, H, weight):
    """Return the explicit step that a step of the scheme stands for."""
    return (stepped - H) * weight + H


@kernel()
def write_half_L(out, Dx, Dy, numbers, span):
    """Write 1/2 + B of the cells of a span of pieces."""
    share_out(write_half_L_some, (out, Dx, Dy, numbers), span)


@kernel(part=True)
def write_half_L_some(out, Dx, Dy, numbers, first, last):
    """Do so for pieces first..last-1."""
    x, y, inverse = numbers
    for i in range(first * PIECE, min(last * PIECE, out.size)):
        out[i] = half_L_of(Dx[i], Dy[i], x, y, inverse)


@point_function
def half_L_of(Dx, Dy, x, y, inverse):
    """Return 1/2 + B of a cell; the factors are double precision, and so is all of it."""
    return (Dx * x + Dy * y) * inverse + 0.5


@kernel()
def relax_pieces(stepped, H, weights, begin, half, span):
    """Make the step in the cells of a span of pieces."""
    share_out(relax_some, (stepped, H, weights, begin, half), span)


@kernel(part=True)
def relax_some(stepped, H, weights, begin, half, first, last):
    """Do so for pieces first..last-1."""
    for start in range(first * PIECE, min(last * PIECE, stepped.size), PIECE):
        stop = min(start + PIECE, stepped.size)
        if weights.size == 1:
            relax_evenly(stepped[start:stop], H[start:stop], weights[0])
        else:
            relax_run(stepped[start:stop], H[start:stop], weights[start:stop])
        if begin.size:
            halve_run(stepped[start:stop], begin[start:stop], half)


@kernel(apart=True, part=True)
def relax_run(stepped, H, weights):
    """Make it in one piece."""
    for i in range(stepped.size):
        stepped[i] = relaxed(stepped[i], H[i], weights[i])


@kernel(apart=True, part=True)
def relax_evenly(stepped, H, weight):
    """Make it in one piece with one weight."""
    for i in range(stepped.size):
        stepped[i] = relaxed(stepped[i], H[i], weight)


@kernel(apart=True, part=True)
def halve_run(stepped, begin, half):
    """Take the mean with where a step of Heun begins."""
    for i in range(stepped.size):
        stepped[i] = (stepped[i] + begin[i]) * half
