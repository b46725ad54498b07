"""Where the gradients go: one record that the kernels of the adjoint take."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from solver.cpu.copying import LINE
from solver.records import Array

STREAM = 1 << 24  # bytes of gradients beyond which they are written past the caches


class Targets(NamedTuple):
    """Memory for the gradients of the seven inputs, in the order of `Inputs`."""

    arrays: tuple[Array, ...]
    "flat; empty where no gradient is wanted"
    strides: Array
    "values from the gradient of one plane of the batch to that of the next"
    wanted: Array
    "whether there is a gradient to write"
    joined: Array
    "whether the input is H[0] itself, whose gradient then takes this one in"
    streamed: bool
    "whether the gradients are too many to stay in a cache"

    @classmethod
    def of(
        cls, arrays: Sequence[Array], strides: Sequence[int], joined: Sequence[bool], size: int | None = None
    ) -> Targets:
        """Describe seven flat arrays; what is empty is not wanted.

        `size` are the bytes of them all, where some are parts of one array.
        """
        streamed = (sum([a.nbytes for a in arrays]) if size is None else size) >= STREAM
        wanted = np.array([a.size > 0 for a in arrays], np.bool_)
        return cls(tuple(arrays), np.array(strides, np.int64), wanted, np.array(joined, np.bool_), streamed)


def aligned(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Return an array, not initialised, that begins with a cache line: only whole lines can be streamed."""
    size = prod(shape)
    store = np.empty(size + LINE // dtype.itemsize, dtype)
    start = -(store.ctypes.data // dtype.itemsize) % (LINE // dtype.itemsize)
    return store[start : start + size].reshape(shape)
