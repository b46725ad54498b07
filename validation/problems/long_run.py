"""A forced mode that settles: whatever moves after many steps was made by the scheme."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from solver import DiffusionAdvection
from validation.problems.base import Field
from validation.problems.fourier import FourierMode


@dataclass(frozen=True, kw_only=True)
class LongRun(FourierMode):
    """Fourier mode with a steady source, which tends to a steady state.

        H_t + u H_x + v H_y = Dx H_xx + Dy H_yy + f,  f = Re(-r exp(i (kx x + ky y)))
        H(x, y, t) = Re((1 + a exp(r t)) exp(i (kx x + ky y)))

    with r the exponent of the free mode. The central differences have a steady state of their own, with the amplitude
    r / r_h, r_h their exponent; the time stepping has the same one. After 10^5 steps a departure from it is a weak
    instability, rounding, or the computational mode. For the other parameters see `Mode`.

    Parameters
    ----------
    excess
        a, the amplitude at t = 0 over that of the steady state, less 1.

    References
    ----------
    Separation of variables; see `FourierMode`.
    """

    name: ClassVar[str] = "long run"

    excess: float = 0.5

    @property
    def problem(self) -> DiffusionAdvection:
        """The equation on the grid, with its source."""
        return DiffusionAdvection(self.grid, self.velocity, self.diffusivity, self.mode(-self.rate))

    def exact(self, t: float) -> Field:
        """Return the exact solution at time ``t``."""
        return self.mode(1 + self.excess * np.exp(self.rate * t))

    def semi_discrete(self, t: float) -> Field:
        """Return the solution of the equations discrete in space, from the same start."""
        steady = self.rate / self.semi_discrete_rate
        return self.mode(steady + (1 + self.excess - steady) * np.exp(self.semi_discrete_rate * t))

    @property
    def settled(self) -> Field:
        """The steady state of the central differences."""
        return self.mode(self.rate / self.semi_discrete_rate)
