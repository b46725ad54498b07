"""Whether all values are finite, looked at without an array of answers."""

from __future__ import annotations

import numpy as np

from solver.records import Array


def all_finite(values: Array) -> bool:
    """Return whether no value is infinite or NaN: their sum tells, unless it overflows, and then each is looked at."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(values.sum())) or bool(np.isfinite(values).all())
