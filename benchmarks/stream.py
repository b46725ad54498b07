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

from solver.cpu.sharing import share_out
from solver.cpu.threads import own_team, share

WORDS = 8 * 1024 * 1024  # float64, 64 MiB an array: more than a last-level cache
LANES = 8
LINE = 64  # bytes: a non-temporal store is one whole line


class Bandwidth(NamedTuple):
    """Bytes a second."""

    copy: float
    triad: float


VECTOR = ir.VectorType(ir.DoubleType(), LANES)


def _line(context, builder, kind, array, i):
    """Return a pointer to array[8 i : 8 i + 8]."""
    data = context.make_array(kind)(context, builder, array).data
    start = builder.mul(i, ir.Constant(i.type, LANES))
    return builder.bitcast(builder.gep(data, [start]), VECTOR.as_pointer())


def _store_past(builder, value, pointer):
    """Store a line past the caches."""
    stored = builder.store(value, pointer, align=LINE)
    stored.set_metadata("nontemporal", builder.module.add_metadata([ir.IntType(32)(1)]))


@intrinsic
def _copy_line(typing_context, target, source, i):
    """target[8 i : 8 i + 8] = source there, past the caches; both aligned to a line."""
    signature = types.void(target, source, i)

    def generate(context, builder, signature, arguments):
        to, source = (_line(context, builder, signature.args[n], arguments[n], arguments[2]) for n in (0, 1))
        _store_past(builder, builder.load(source, align=LINE), to)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def _triad_line(typing_context, target, first, second, scale, i):
    """target[8 i : 8 i + 8] = first + scale * second there, past the caches; all aligned to a line."""
    signature = types.void(target, first, second, scale, i)

    def generate(context, builder, signature, arguments):
        to, first, second = (_line(context, builder, signature.args[n], arguments[n], arguments[4]) for n in range(3))
        undefined = ir.Constant(VECTOR, ir.Undefined)
        factor = builder.insert_element(undefined, arguments[3], ir.IntType(32)(0))
        factor = builder.shuffle_vector(
            factor, undefined, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        )
        scaled = builder.fmul(factor, builder.load(second, align=LINE))
        _store_past(builder, builder.fadd(builder.load(first, align=LINE), scaled), to)
        return context.get_dummy_value()

    return signature, generate


@numba.njit(nogil=True, cache=True)
def _copy_lines(target, source, first, last):
    for i in range(first * LANES, last * LANES):
        target[i] = source[i]


@numba.njit(nogil=True, cache=True)
def _copy(target, source, span):
    share_out(_copy_lines, (target, source), span)


@numba.njit(nogil=True, cache=True)
def _copy_lines_past(target, source, first, last):
    for i in range(first, last):
        _copy_line(target, source, i)  # type: ignore[call-arg]


@numba.njit(nogil=True, cache=True)
def _copy_past(target, source, span):
    share_out(_copy_lines_past, (target, source), span)


@numba.njit(nogil=True, cache=True)
def _triad_lines(target, first_source, second, scale, first, last):
    for i in range(first * LANES, last * LANES):
        target[i] = first_source[i] + scale * second[i]


@numba.njit(nogil=True, cache=True)
def _triad(target, first_source, second, scale, span):
    share_out(_triad_lines, (target, first_source, second, scale), span)


@numba.njit(nogil=True, cache=True)
def _triad_lines_past(target, first_source, second, scale, first, last):
    for i in range(first, last):
        _triad_line(target, first_source, second, scale, i)  # type: ignore[call-arg]


@numba.njit(nogil=True, cache=True)
def _triad_past(target, first_source, second, scale, span):
    share_out(_triad_lines_past, (target, first_source, second, scale), span)


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
