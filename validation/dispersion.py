"""How fast a wave travels and decays, in the equation, in the scheme's roots, and in a run.

In a step a mode exp(i (a m + b n)) on cells (m, n) is multiplied by exp(-(B_x a^2 + B_y b^2) - i (A_x a + A_y b)) in
the equation, and by the physical root g of the amplification quadratic in the scheme.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from solver import backends
from solver.amplification import roots
from solver.records import Fields, Levels, Mesh
from validation.problems.base import Field

Complex = NDArray[np.complex128]


class Numbers(NamedTuple):
    """The mesh numbers of a case."""

    A_x: float
    A_y: float
    B_x: float
    B_y: float


@dataclass(frozen=True)
class Waves:
    """Waves in one direction through the grid.

    Parameters
    ----------
    angle
        Phase from cell to cell along the direction, radians, (n,): pi is the wave of two cells.
    diagonal
        Whether the wave goes along the diagonal (angle, angle) or along x, (angle, 0).
    """

    angle: Field
    diagonal: bool = False

    @property
    def b(self) -> Field:
        """Angle along y, (n,)."""
        return self.angle if self.diagonal else np.zeros_like(self.angle)


def exact_factor(point: Numbers, waves: Waves) -> Complex:
    """Return what a step of the equation multiplies each wave by, (n,)."""
    a, b = waves.angle, waves.b
    factor: Complex = np.exp(-(point.B_x * a**2 + point.B_y * b**2) - 1j * (point.A_x * a + point.A_y * b))
    return factor


def scheme_factor(point: Numbers, waves: Waves) -> Complex:
    """Return the physical root for each wave, (n,)."""
    physical: Complex = roots(*point, waves.angle, waves.b)[0]
    return physical


def measured_roots(point: Numbers, cells: int, waves: int, diagonal: bool) -> Complex:
    """Return both roots of a wave, found from five levels of a run, (2,), the one with the larger real part first.

    The run starts from H[0] = wave, H[-1] = 0, which excites both. Its levels obey h[k+1] = s h[k] - p h[k-1], s and p
    the sum and the product of the roots: two such equations give the two (Prony).
    """
    shape = (cells, cells if diagonal else 3)
    i, j = np.indices(shape)
    wave = np.exp(2j * np.pi * waves / cells * (i + (j if diagonal else 0)))
    u, v, Dx, Dy = (np.full((1, 1), float(number)) for number in point)
    fields = Fields(u, v, Dx, Dy, np.zeros((1, 1)))
    levels = Levels(np.stack([wave.real, wave.imag]), np.zeros((2, *shape)))
    h = [complex(0), complex(1)]
    for _ in range(3):
        levels = backends.get("auto").forward(levels, fields, Mesh(dt=1.0), 1)
        h.append(complex(np.vdot(wave, levels.now[0] + 1j * levels.now[1]) / wave.size))
    total, product = np.linalg.solve([[h[2], -h[1]], [h[3], -h[2]]], [h[3], h[4]])
    discriminant = np.sqrt(total**2 - 4 * product)
    pair: Complex = np.array([total + discriminant, total - discriminant], np.complex128) / 2
    return pair[np.argsort(-pair.real, kind="stable")]


def nearest(found: Complex, root: complex) -> complex:
    """Return which of the roots found is nearest to a given one."""
    return complex(found[np.argmin(np.abs(found - root))])


def speed_ratio(factor: Complex, point: Numbers, waves: Waves) -> Field:
    """Return the phase speed over that of the equation, (n,)."""
    ratio: Field = -np.angle(factor) / (point.A_x * waves.angle + point.A_y * waves.b)
    return ratio


def decay_ratio(factor: Complex, point: Numbers, waves: Waves) -> Field:
    """Return the rate of decay over that of the equation, (n,)."""
    ratio: Field = -np.log(np.abs(factor)) / (point.B_x * waves.angle**2 + point.B_y * waves.b**2)
    return ratio
