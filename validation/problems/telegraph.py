"""A mode of the telegraph equation, which is what DuFort-Frankel really solves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from validation.problems.base import Field
from validation.problems.mode import Mode


@dataclass(frozen=True, kw_only=True)
class TelegraphMode:
    """Mode of the equation that the scheme is consistent with at a fixed dt / dx.

        tau H_tt + H_t + u H_x + v H_y = Dx H_xx + Dy H_yy,  tau = dt^2 (Dx / dx^2 + Dy / dy^2)
        H(x, y, t) = Re a(t) phi(x, y),  tau a'' + a' = r a

    with r the exponent of the mode in the diffusion-advection equation. The equation is of second order
    in time and so takes two amplitudes, as the three-level scheme takes two levels: a(0) = 1 and a(t1) =
    a1. Where t1 is one time step away from 0 and a1 what the start of the scheme makes of the mode, the
    scheme converges to this solution at order 2 along dt ~ dx.

    Parameters
    ----------
    of
        The mode phi of the diffusion-advection equation, Fourier or cosine: grid, coefficients, wavenumbers.
    tau
        Relaxation time, positive.
    second_level
        (t1, a1).

    References
    ----------
    E. C. Du Fort and S. P. Frankel, Math. Tables Aids Comput. 7 (1953) 135-152, doi:10.2307/2002754; the
    limit at fixed dt / dx: R. D. Richtmyer and K. W. Morton, Difference Methods for Initial-Value
    Problems, 2nd ed., Wiley 1967, section 7.5.
    """

    of: Mode
    tau: float
    second_level: tuple[float, complex]

    @property
    def exponents(self) -> tuple[complex, complex]:
        """Roots of tau s^2 + s - r = 0: the physical one, near r for small tau, and the one near -1/tau."""
        root = np.sqrt(1 + 4 * self.tau * self.of.rate)
        # 2 r / (1 + root) is (root - 1) / (2 tau) without its cancellation as tau goes to 0.
        return complex(2 * self.of.rate / (1 + root)), complex(-(1 + root) / (2 * self.tau))

    def exact(self, t: float) -> Field:
        """Return the exact solution at time ``t``, float64, (rows, columns)."""
        slow, fast = self.exponents
        t1, a1 = self.second_level
        share = (a1 - np.exp(fast * t1)) / (np.exp(slow * t1) - np.exp(fast * t1))
        return self.of.mode(share * np.exp(slow * t) + (1 - share) * np.exp(fast * t))
