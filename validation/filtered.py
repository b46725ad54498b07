"""Stability of the filtered scheme with constant coefficients, by brute force.

A filtered step takes the two levels (x, y) of a Fourier mode to

    (n - (1 - alpha) d, x + alpha d),    n = (g1 + g2) x - g1 g2 y,    d = nu/2 (y - 2 x + n)

with g1, g2 the roots of the scheme without filter. Brute force takes the eigenvalues of this 2 x 2 matrix at many
angles; it knows nothing of the closed limits of `solver.RAW`, which are what it is compared with.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from solver import RAW
from solver.amplification import roots
from validation.problems.base import Field
from validation.stability_map import MeshPoint


def filtered_step(g1: Any, g2: Any, raw: RAW) -> NDArray[np.complex128]:
    """Return the matrix of a filtered step for modes with the roots ``g1`` and ``g2``, (..., 2, 2)."""
    new = np.stack(np.broadcast_arrays(g1 + g2, -g1 * g2), axis=-1)
    d = raw.nu / 2 * (new + np.array([-2, 1]))
    matrix: NDArray[np.complex128] = np.stack([new - (1 - raw.alpha) * d, np.array([1, 0]) + raw.alpha * d], axis=-2)
    return matrix


def filtered_growth(point: MeshPoint, raw: RAW, angles: Field) -> float:
    """Return the largest modulus of an eigenvalue over the pairs of ``angles``, (n, 2)."""
    g1, g2 = roots(*point, angles[:, 0], angles[:, 1])
    return float(np.abs(np.linalg.eigvals(filtered_step(g1, g2, raw))).max())
