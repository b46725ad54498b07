"""The fields that a solve saves, each copied into its place as soon as it is reached."""

from __future__ import annotations

import numpy as np

from solver.finite import copy_into
from solver.records import Array


class Saved:
    """Room for the fields of the steps to save, and those that have come.

    All is allocated before the first step: a result that is larger than a machine's memory is refused at once, and what
    a saved step lay in is free for later ones, instead of being held until the end.
    """

    def __init__(self, steps: tuple[int, ...], shape: tuple[int, ...], dtype: np.dtype) -> None:
        self._steps = steps
        self._rows: Array = np.empty((len(steps), *shape), dtype)
        self._first: Array = self._rows[0]
        self._come = 0

    def asks_for(self, step: int) -> bool:
        """Whether the next field to save is that of `step`."""
        return self._come < len(self._steps) and self._steps[self._come] == step

    def room_for_initial(self, shape: tuple[int, ...]) -> Array:
        """Return memory for H[0], that of its place among the saved fields if it is saved as it is."""
        if self.asks_for(0) and self._first.shape == shape:
            return self._first
        return np.empty(shape, self._rows.dtype)

    def keep(self, H: Array) -> None:
        """Save the next field."""
        if H is not self._first:
            copy_into(self._rows[self._come], H)
        self._come += 1

    @property
    def steps(self) -> tuple[int, ...]:
        """The steps whose fields have come."""
        return self._steps[: self._come]

    @property
    def fields(self) -> Array:
        """Their fields, (n, ..., rows, columns)."""
        return self._rows if self._come == len(self._steps) else self._rows[: self._come].copy()
