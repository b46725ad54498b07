"""Whether all values are finite, looked at without an array of answers, and copies of large arrays."""

from __future__ import annotations

import numpy as np

from solver.records import Array

MANY = 2**15  # values: for fewer NumPy is as fast


def all_finite(values: Array) -> bool:
    """Return whether no value is infinite or NaN.

    Of few values their sum tells, unless it overflows, and then each is looked at.
    """
    if _is_large(values):
        from solver.cpu import scan

        return scan.all_finite(values)
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(values.sum())) or bool(np.isfinite(values).all())


def copy_into(target: Array, source: Array) -> bool:
    """Copy `source`, which broadcasts to `target`, and return whether no value is infinite or NaN."""
    if _is_large(target) and _is_large(source) and (target.shape, target.dtype) == (source.shape, source.dtype):
        from solver.cpu import scan

        return scan.copy_finite(target, source)
    target[...] = source
    return all_finite(source)


def _is_large(values: Array) -> bool:
    return values.size >= MANY and values.flags.c_contiguous and values.dtype in (np.float32, np.float64)
