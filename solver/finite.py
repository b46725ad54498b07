"""Whether all values are finite, looked at without an array of answers, and copies of large arrays."""

from __future__ import annotations

import numpy as np

from solver.records import Array

MANY = 2**15  # values: for fewer NumPy is as fast


def all_finite(values: Array) -> bool:
    """Return whether no value is infinite or NaN.

    Of few values their sum tells, unless it overflows, and then each is looked at.
    """
    if are_large(values):
        from solver.cpu import scan

        return scan.all_finite(values)
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(values.sum())) or bool(np.isfinite(values).all())


def copy_into(target: Array, source: Array) -> bool:
    """Copy `source`, which broadcasts to `target`, and return whether no value is infinite or NaN."""
    if are_large(target, source):
        from solver.cpu import scan

        return scan.copy_finite(target, source)
    target[...] = source
    return all_finite(source)


def are_large(first: Array, *others: Array) -> bool:
    """Whether arrays are large and lie so that kernels go over them: contiguous, of one shape and dtype."""
    kind = first.shape, first.dtype
    return (
        first.size >= MANY
        and first.dtype in (np.float32, np.float64)
        and all(a.flags.c_contiguous and (a.shape, a.dtype) == kind for a in (first, *others))
    )
