"""One Fourier mode on the periodic plane: it decays and travels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from validation.problems.base import Field
from validation.problems.mode import Mode


@dataclass(frozen=True, kw_only=True)
class FourierMode(Mode):
    """Decaying, advected Fourier mode of the equation with constant coefficients.

        H_t + u H_x + v H_y = Dx H_xx + Dy H_yy
        H(x, y, t) = Re exp(r t + i (kx x + ky y)),  r = -(Dx kx^2 + Dy ky^2) - i (u kx + v ky)

    Anisotropic by default (u != v, Dx != Dy, rows != columns, dx != dy, kx != ky), so that no exchange of the
    axes goes unnoticed. For the parameters see `Mode`; ``waves`` are whole waves in one period.

    References
    ----------
    Separation of variables; any text on linear PDEs, e.g. J. C. Strikwerda, Finite Difference Schemes and
    Partial Differential Equations, 2nd ed., SIAM 2004, chapter 1, doi:10.1137/1.9780898717938.
    """

    name: ClassVar[str] = "Fourier mode"

    lengths: tuple[float, float] = (1.0, 1.5)
    velocity: tuple[float, float] = (0.8, -0.5)

    @property
    def wavenumbers(self) -> tuple[float, float]:
        """Angular wavenumbers kx, ky."""
        (Lx, Ly), (m, n) = self.lengths, self.waves
        return 2 * np.pi * m / Lx, 2 * np.pi * n / Ly

    def mode(self, amplitude: complex) -> Field:
        """Return Re(amplitude exp(i (kx x + ky y))) on the grid."""
        (X, Y), (kx, ky) = self.grid.mesh(), self.wavenumbers
        return np.real(amplitude * np.exp(1j * (kx * X + ky * Y)))
