"""Memory for what a call makes and forgets, kept for the next call: fresh pages cost more than what is written there.

A block of 33 MB, the fields of 128 x 16 planes of 32 x 32, is given back to the system when it is freed, and the
next one is taken from it page by page, in some seven milliseconds; making the fields takes three.
"""

from __future__ import annotations

from math import prod
from threading import local
from typing import Any, Final

import numpy as np

from solver.cpu.targets import aligned
from solver.records import Array

LARGEST: Final = 1 << 28  # bytes of a block that is kept

_kept = local()  # every thread has its own: calls of two threads may overlap


def workspace(name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Return an array, not initialised, that begins with a cache line; the next call of this name has the same memory.

    What is larger than `LARGEST` is allocated for this call alone.
    """
    size = prod(shape) * dtype.itemsize
    if size > LARGEST:
        return aligned(shape, dtype)
    blocks: dict[str, Array] = _kept.__dict__.setdefault("blocks", {})
    if name not in blocks or blocks[name].size < size:
        blocks[name] = aligned((size,), np.dtype(np.uint8))
    return blocks[name][:size].view(dtype).reshape(shape)
