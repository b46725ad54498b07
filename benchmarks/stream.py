"""The yardstick: copy and triad as in STREAM, on all threads, with ordinary and with non-temporal stores.

J. D. McCalpin, "Memory bandwidth and machine balance in current high performance computers", IEEE TCCA Newsletter
(1995). An ordinary store first reads the line that it overwrites; a non-temporal one does not. Bytes are counted as in
STREAM, without that read, and the better of the two is the yardstick.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import NamedTuple

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from solver.cpu.threads import own_team, share

WORDS = 8 * 1024 * 1024  # float64, 64 MiB an array: more than a last-level cache
LANES = 8
LINE = 64  # bytes: a non-temporal store is one whole line


class Bandwidth(NamedTuple):
    """Bytes a second."""

    copy: float
    triad: float


@intrinsic
def _store_line(typing_context, target, first, second, scale, i):
    """target[8 i : 8 i + 8] = first + scale * second there, past the caches; all aligned to a line."""
    signature = types.void(target, first, second, scale, i)

    def generate(context, builder, signature, arguments):
        vector = ir.VectorType(ir.DoubleType(), LANES)
        start = builder.mul(arguments[4], ir.Constant(arguments[4].type, LANES))

        def line(which):
            array = context.make_array(signature.args[which])(context, builder, arguments[which])
            return builder.bitcast(builder.gep(array.data, [start]), vector.as_pointer())

        factor = builder.insert_element(ir.Constant(vector, ir.Undefined), arguments[3], ir.IntType(32)(0))
        lanes = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        factor = builder.shuffle_vector(factor, ir.Constant(vector, ir.Undefined), lanes)
        loaded = [builder.load(line(which), align=LINE) for which in (1, 2)]
        value = builder.fadd(loaded[0], builder.fmul(factor, loaded[1]))
        stored = builder.store(value, line(0), align=LINE)
        stored.set_metadata("nontemporal", builder.module.add_metadata([ir.IntType(32)(1)]))
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def _copy_line(typing_context, target, source, i):
    """target[8 i : 8 i + 8] = source there, past the caches; both aligned to a line."""
    signature = types.void(target, source, i)

    def generate(context, builder, signature, arguments):
        vector = ir.VectorType(ir.DoubleType(), LANES)
        start = builder.mul(arguments[2], ir.Constant(arguments[2].type, LANES))
        to, source = (
            builder.bitcast(
                builder.gep(context.make_array(signature.args[n])(context, builder, arguments[n]).data, [start]),
                vector.as_pointer(),
            )
            for n in (0, 1)
        )
        stored = builder.store(builder.load(source, align=LINE), to, align=LINE)
        stored.set_metadata("nontemporal", builder.module.add_metadata([ir.IntType(32)(1)]))
        return context.get_dummy_value()

    return signature, generate


@numba.njit(nogil=True, cache=True)
def _copy(target, source, first, last):
    for i in range(first * LANES, last * LANES):
        target[i] = source[i]


@numba.njit(nogil=True, cache=True)
def _copy_past(target, source, first, last):
    for i in range(first, last):
        _copy_line(target, source, i)  # type: ignore[call-arg]


@numba.njit(nogil=True, cache=True)
def _triad(target, first_source, second, scale, first, last):
    for i in range(first * LANES, last * LANES):
        target[i] = first_source[i] + scale * second[i]


@numba.njit(nogil=True, cache=True)
def _triad_past(target, first_source, second, scale, first, last):
    for i in range(first, last):
        _store_line(target, first_source, second, scale, i)  # type: ignore[call-arg]


class Stream:
    """The arrays, and a measurement to call again and again."""

    def __init__(self, words: int = WORDS) -> None:
        self.target, self.source, self.second = (_aligned(words) for _ in range(3))

    def measure(self) -> Bandwidth:
        """Time each of the four kernels once."""
        target, source, second = self.target, self.source, self.second
        copy = max(self._rate(kernel, (target, source), 2) for kernel in (_copy, _copy_past))
        triad = max(self._rate(kernel, (target, source, second, 3.0), 3) for kernel in (_triad, _triad_past))
        return Bandwidth(copy, triad)

    def _rate(self, kernel: Callable[..., None], arguments: tuple[object, ...], arrays: int) -> float:
        begin = perf_counter()
        share(kernel, arguments, self.target.size // LANES, own_team())
        return arrays * self.target.nbytes / (perf_counter() - begin)


def _aligned(words: int) -> np.ndarray:
    """Return ones whose first word begins a line."""
    spare = np.ones(words + LANES)
    start = -(spare.ctypes.data // 8) % LANES
    return spare[start : start + words]
