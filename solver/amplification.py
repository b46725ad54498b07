"""How a Fourier mode of the scheme with constant coefficients grows in a step: both roots, all angles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from solver import checks


@dataclass(frozen=True)
class Amplification:
    """The roots g of the amplification quadratic over the angles of one mode of the checkerboard to the next.

    Attributes
    ----------
    a : array (n, 1)
        Angles along x, radians per cell, from -pi to pi.
    b : array (1, n)
        Angles along y.
    roots : complex array (2, n, n)
        First the physical root, near exp(dt r) for long waves, then the computational one, near -(1 - 2B) / (1 + 2B)
        for long waves: -1 without diffusion.
    """

    a: NDArray[np.float64]
    b: NDArray[np.float64]
    roots: NDArray[np.complex128]

    @property
    def largest(self) -> float:
        """Largest modulus of any root; up to 1 + 1e-7 it may be rounding, where two roots of modulus 1 meet."""
        return float(np.abs(self.roots).max())


def amplification(A_x: float, A_y: float, B_x: float, B_y: float, angles: int = 64) -> Amplification:
    r"""Solve the amplification quadratic of the scheme at `angles` x `angles` modes.

        (1 + 2B) g^2 - 2 z g - (1 - 2B) = 0,    B = B_x + B_y
        z = 2 B_x cos a + 2 B_y cos b - i (A_x sin a + A_y sin b)

    for the mode exp(i(a m + b n)) on cells (m, n). The scheme is stable if no root leaves the unit disc and no double
    root lies on its rim; `solver.stability.stability_of` says so in closed form.

    Parameters
    ----------
    A_x, A_y : float
        Courant numbers u dt/dx and v dt/dy.
    B_x, B_y : float
        Diffusion numbers Dx dt/dx^2 and Dy dt/dy^2, not negative.
    angles : int
        How many angles each way, from -pi to pi without the latter. Default 64.

    Returns
    -------
    Amplification

    Raises
    ------
    ValueError, TypeError
        If a diffusion number is negative or a number is not finite.
    """
    B_x, B_y = checks.real("B_x", B_x, zero=True), checks.real("B_y", B_y, zero=True)
    A_x, A_y = (checks.finite(name, value) for name, value in (("A_x", A_x), ("A_y", A_y)))
    angle = np.linspace(-np.pi, np.pi, checks.whole("angles", angles, 1), endpoint=False)
    a, b = angle[:, None], angle[None, :]
    return Amplification(a, b, roots(A_x, A_y, B_x, B_y, a, b))


def roots(A_x: Any, A_y: Any, B_x: Any, B_y: Any, a: Any, b: Any) -> NDArray[np.complex128]:
    """Return both roots, physical first, (2, ...) over the shape that mesh numbers and angles broadcast to."""
    L, M = 1 + 2 * B_x + 2 * B_y, 1 - 2 * B_x - 2 * B_y
    z = 2 * B_x * np.cos(a) + 2 * B_y * np.cos(b) - 1j * (A_x * np.sin(a) + A_y * np.sin(b))
    root = np.sqrt(z**2 + L * M + 0j)  # its real part is not negative: + leads to 1 as the step shrinks
    return np.stack(np.broadcast_arrays((z + root) / L, (z - root) / L))
