"""Large arrays looked at and copied by all threads: one core alone gets a third of what memory gives to two.

A value is infinite or NaN where all bits of its exponent are set, so the largest of the magnitudes, taken as integers,
tells of all at once: nothing overflows, and nothing is added in an order that would matter.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from solver.compiling import kernel
from solver.cpu.copying import copy_run, prefetch
from solver.cpu.layout import writable
from solver.cpu.sharing import share_out
from solver.cpu.threads import Team, own_team, share
from solver.records import Array

PIECE = 2**9  # words that are copied and then looked at, a page; the next but one is asked for meanwhile
# What the values of each dtype are looked at as.
INTEGERS: dict[Any, Any] = {np.dtype(np.float32): np.int32, np.dtype(np.float64): np.int64}
MAGNITUDE = {kind: integer(np.iinfo(integer).max) for kind, integer in INTEGERS.items()}  # all bits but the sign
INFINITE = {kind: np.full(1, np.inf, kind).view(integer)[0] for kind, integer in INTEGERS.items()}


def all_finite(values: Array, team: Team | None = None) -> bool:
    """Return whether no value is infinite or NaN; `values` is contiguous, float32 or float64."""
    return _scan(np.empty(0, values.dtype), values, team)


def copy_finite(target: Array, source: Array, team: Team | None = None) -> bool:
    """Copy `source` into `target`, both contiguous and of one shape and dtype; return whether all is finite."""
    return _scan(target, source, team)


def words_of(values: Array) -> Array:
    """Return the memory of contiguous values as integers."""
    words: Array = writable(values).reshape(-1).view(INTEGERS[values.dtype])
    return words


def _scan(target: Array, source: Array, team: Team | None) -> bool:
    kind = source.dtype
    team = (team or own_team()).for_work(4 * source.size)
    largest = np.zeros(team.size, INTEGERS[kind])
    share(scan_parts, (largest, words_of(target), words_of(source), MAGNITUDE[kind]), team.size, team)
    return bool(largest.max() < INFINITE[kind])


@kernel()
def scan_parts(largest, target, source, magnitude, span):
    """Do a span of parts of the words; parts are as many as `largest` has room for."""
    share_out(scan_some, (largest, target, source, magnitude), span)


@kernel(part=True)
def scan_some(largest, target, source, magnitude, first, last):
    """Do parts first..last-1."""
    parts, size = largest.size, source.size
    for part in range(first, last):
        stop, found = size * (part + 1) // parts, magnitude - magnitude
        for start in range(size * part // parts, stop, PIECE):
            count = min(PIECE, stop - start)
            prefetch(source, start + 2 * PIECE, PIECE)
            if target.size:
                copy_run(target, start, source, start, count)
            found = max(found, largest_of(source[start : start + count], magnitude))
        largest[part] = found


@kernel(part=True)
def largest_of(words, magnitude):
    """Return the largest magnitude of some words."""
    found = magnitude & words[0]
    for i in range(words.size):
        found = max(found, words[i] & magnitude)
    return found
