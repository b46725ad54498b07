"""Into which segments the adjoint cuts a run whose states it computes again."""

from __future__ import annotations

import math

from solver.compiling import kernel

SEGMENT = 16  # steps that are never cut
ROOM = 2**19  # bytes that the levels of a segment and their gradients may take in a second-level cache


@kernel(part=True)
def segment_length(steps, level_bytes):
    """Return how many steps are recomputed at once: as many as stay in cache, or about sqrt(2 steps).

    `level_bytes` is what a level takes, and dL/dH of it as much, with the room around them.
    """
    longest = max(SEGMENT, ROOM // (2 * level_bytes), math.ceil(math.sqrt(2.0 * steps)))
    segments = (steps + longest - 1) // longest
    return (steps + segments - 1) // segments


@kernel(part=True)
def segments_of(steps, segment):
    """Return how many segments a run has."""
    return (steps + segment - 1) // segment
