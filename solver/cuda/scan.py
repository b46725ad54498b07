"""Whether memory of the GPU holds finite numbers alone, without a copy of it."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import from_dtype

from solver.cuda.memory import address_of, fetch, put, word
from solver.cuda.target import Kernel, cuda

THREADS, BLOCKS = 256, 1024


@cache
def finite_scan(dtype: Any) -> Kernel:
    """Return the kernel that writes 1 into `found` where it meets a number that is not finite."""

    def scan(found, numbers, size):
        one = dtype(1)
        for index in range(cuda.grid(1), size, cuda.gridsize(1)):
            # An infinite number minus itself is not a number, and that is not equal to itself.
            value = fetch(numbers, index, one)
            if value - value != value - value:
                put(found, 0, word(1))  # all threads that write, write the same

    return Kernel(scan, THREADS)


def all_finite(numbers: Any, stream: Any = 0) -> bool:
    """Return whether no number of a device array is infinite or NaN; this waits for the GPU."""
    found = cuda.to_device(np.zeros(1, np.int32), stream=stream)
    blocks = max(1, min(BLOCKS, -(-numbers.size // THREADS)))
    kernel = finite_scan(from_dtype(numbers.dtype))
    kernel.launch(blocks, THREADS, stream, 0, (address_of(found), address_of(numbers), numbers.size))
    return not found.copy_to_host(stream=stream)[0]
