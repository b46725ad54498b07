"""Sums of cosines and products of them: fields whose every derivative is known in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solver import Grid
from validation.problems.base import Field


@dataclass(frozen=True)
class Trig:
    """A function of one coordinate, the sum of a cos(k s + p) over its terms (a, k, p)."""

    terms: tuple[tuple[float, float, float], ...]

    def __call__(self, s: Field, order: int = 0) -> Field:
        """Return the derivative of the given order at ``s``: each one turns the phase by a right angle."""
        return np.asarray(sum(a * k**order * np.cos(k * s + p + order * np.pi / 2) for a, k, p in self.terms))

    def __add__(self, other: Trig) -> Trig:
        return Trig(self.terms + other.terms)

    def mirrored(self, length: float) -> Trig:
        """Return the function that has at ``length - s`` what this one has at s."""
        return Trig(tuple((a, -k, k * length + p) for a, k, p in self.terms))


def constant(value: float) -> Trig:
    """Return the constant function."""
    return Trig(((value, 0.0, 0.0),))


def cosine(amplitude: float, k: float, phase: float = 0.0) -> Trig:
    """Return amplitude cos(k s + phase)."""
    return Trig(((amplitude, k, phase),))


def sine(amplitude: float, k: float, phase: float = 0.0) -> Trig:
    """Return amplitude sin(k s + phase)."""
    return Trig(((amplitude, k, phase - np.pi / 2),))


@dataclass(frozen=True)
class Product:
    """The field scale X(x) Y(y)."""

    X: Trig
    Y: Trig
    scale: float = 1.0

    def at(self, grid: Grid, x: int = 0, y: int = 0) -> Field:
        """Return its derivative, ``x`` times along x and ``y`` times along y, (rows, columns)."""
        field: Field = self.scale * np.multiply.outer(self.X(grid.x, x), self.Y(grid.y, y))
        return field
