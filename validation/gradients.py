"""Gradients of the layer: dot test and Taylor test for each of its seven inputs.

The kernel's adjoint is held against two things that share no code with it: the forward-mode derivative of the
same update in plain torch (dot test), and finite differences of its own forward pass (Taylor test).
Everything is in float64, on odd, non-square planes. torch and nnbridge are imported inside the functions,
so that the other studies run without them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

INPUTS = ("h", "h_prev", "source", "u", "v", "Dx", "Dy")
STEPS, DT, DX, DY = 5, 0.2, 0.9, 1.2
SHAPE = (2, 3, 7, 5)
EPSILONS = tuple(2.0**-k for k in range(12, 18))


def random_inputs(seed: int = 0) -> dict[str, Tensor]:
    """Return the seven inputs, (N, C, H, W), with positive diffusivities."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    inputs = {name: torch.randn(SHAPE, generator=generator, dtype=torch.float64) for name in INPUTS}
    return inputs | {name: 0.2 + inputs[name].abs() for name in ("Dx", "Dy")}


def forward(inputs: dict[str, Tensor], backend: str) -> Tensor:
    """Return H[STEPS] from the layer's functional form."""
    from nnbridge import diffusion_advection

    values = (inputs[name] for name in INPUTS)
    return diffusion_advection(*values, steps=STEPS, dt=DT, dx=DX, dy=DY, backend=backend)


def pulled_back(name: str, inputs: dict[str, Tensor], cotangent: Tensor) -> Tensor:
    """Return the kernel's adjoint of ``cotangent`` with respect to one input."""
    import torch

    leaf = inputs[name].clone().requires_grad_()
    output = forward({**inputs, name: leaf}, "cpu")
    (gradient,) = torch.autograd.grad(output, leaf, cotangent)
    return gradient


@dataclass(frozen=True)
class DotTest:
    """<J x, y> by forward mode in plain torch, <x, J' y> by the kernel's adjoint, for one input."""

    name: str
    forward: float
    adjoint: float

    @property
    def difference(self) -> float:
        """Relative difference of the two."""
        return abs(self.forward - self.adjoint) / max(abs(self.forward), abs(self.adjoint))


def dot_test(name: str) -> DotTest:
    """Compare the derivative in a random direction, pushed forward and pulled back, for one input."""
    import torch

    inputs = random_inputs()
    x, y = random_inputs(seed=1)["u"], random_inputs(seed=2)["u"]

    def as_function_of_one(value: Tensor) -> Tensor:
        return forward({**inputs, name: value}, "torch")

    pushed = torch.func.jvp(as_function_of_one, (inputs[name],), (x,))[1]
    return DotTest(name, float((pushed * y).sum()), float((x * pulled_back(name, inputs, y)).sum()))


@dataclass(frozen=True)
class TaylorTest:
    """Remainders of phi(x + e d), where phi = |F|^2 / 2 of the layer F, along a direction d of one input.

    For each e in EPSILONS: ``first`` is |phi(x + e d) - phi(x)|, and ``second`` the same once e <grad phi, d>
    is taken off.
    """

    name: str
    first: tuple[float, ...]
    second: tuple[float, ...]

    @property
    def slopes(self) -> tuple[float, float]:
        """Orders of the two remainders in e: 1 and 2 if the gradient is right."""
        e = np.log(EPSILONS)
        first, second = (float(np.polyfit(e, np.log(r), 1)[0]) for r in (self.first, self.second))
        return first, second


def taylor_test(name: str) -> TaylorTest:
    """Measure the remainders along a random direction of one input, kernel forward and kernel adjoint."""
    inputs, direction = random_inputs(), random_inputs(seed=3)["h"]
    output = forward(inputs, "cpu")
    slope = float((pulled_back(name, inputs, output) * direction).sum())
    phi = 0.5 * float((output**2).sum())
    first, second = [], []
    for e in EPSILONS:
        moved = forward({**inputs, name: inputs[name] + e * direction}, "cpu")
        change = 0.5 * float((moved**2).sum()) - phi
        first.append(abs(change))
        second.append(abs(change - e * slope))
    return TaylorTest(name, tuple(first), tuple(second))
