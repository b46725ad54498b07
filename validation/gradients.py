"""Gradients of the layer with respect to every input, in every form, with every boundary, with and without filter.

The kernel's adjoint is held against three things that share no code with it: the derivative of the NumPy reference by
a complex step (dot test), finite differences of its own forward pass (gradcheck, Taylor test), and the reverse mode of
plain torch (twin). Everything is in float64. torch and nnbridge are imported inside the functions, so that the other
studies run without them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from solver import RAW, reference
from solver.records import Fields, Filter, Levels, Mesh
from solver.sides import NAMES
from solver.walls import on_walls
from validation.problems.base import Field
from validation.variants import COVERING, HELD, VARIANTS, Variant

if TYPE_CHECKING:
    from torch import Tensor

Inputs = dict[str, "Tensor"]

FIELDS = ("h", "h_prev", "source", "u", "v", "Dx", "Dy")
WALL = "wall"
STEPS, DT, DX, DY = 5, 0.2, 0.9, 1.2
SHAPE = (2, 3, 7, 5)
SMALL = (1, 1, 4, 3)  # for gradcheck, which asks for every entry of the Jacobian
TINY = 1e-30
EPSILONS = tuple(2.0**-k for k in range(12, 18))

#: Of gradcheck: its central differences, of step 1e-6, err by some 1e-9.
ABSOLUTE, RELATIVE = 1e-7, 1e-5


class Case(NamedTuple):
    """Forms and boundary, and whether the Robert-Asselin-Williams filter is on."""

    variant: Variant
    filtered: bool

    def __str__(self) -> str:
        return f"{self.variant}{', filtered' if self.filtered else ''}"

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of what has a gradient: the seven inputs of the layer, and what walls hold where they hold it."""
        return FIELDS + ((WALL,) if HELD[self.variant.boundary] else ())


def cases(*, full: bool) -> tuple[Case, ...]:
    """Return all cases, or as few as have each form, each boundary, and the filter on and off."""
    if full:
        return tuple(Case(variant, filtered) for variant in VARIANTS for filtered in (False, True))
    return tuple(Case(variant, bool(k % 2)) for k, variant in enumerate(COVERING))


def random_inputs(seed: int = 0, shape: tuple[int, ...] = SHAPE) -> Inputs:
    """Return the seven inputs, (N, C, H, W), with positive diffusivities, and the values of four walls in a row."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    inputs = {name: torch.randn(shape, generator=generator, dtype=torch.float64) for name in FIELDS}
    wall = torch.randn(2 * sum(shape[-2:]), generator=generator, dtype=torch.float64)
    return inputs | {name: 0.2 + inputs[name].abs() for name in ("Dx", "Dy")} | {WALL: wall}


def forward(case: Case, inputs: Inputs, backend: str) -> Tensor:
    """Return H[STEPS] from the layer's functional form."""
    from nnbridge import diffusion_advection

    rows, columns = inputs["h"].shape[-2:]
    walls = dict(zip(NAMES, inputs[WALL].split((columns, columns, rows, rows)), strict=True))
    return diffusion_advection(
        *(inputs[name] for name in FIELDS),
        steps=STEPS,
        dt=DT,
        dx=DX,
        dy=DY,
        boundary=case.variant.sides(walls),
        advection=case.variant.advection,
        diffusion=case.variant.diffusion,
        filter=RAW() if case.filtered else None,
        backend=backend,
    )


def pulled_back(case: Case, inputs: Inputs, cotangent: Tensor, backend: str = "cpu") -> Inputs:
    """Return the adjoint of ``cotangent`` with respect to every input, all in one call."""
    import torch

    leaves = {name: inputs[name].clone().requires_grad_() for name in case.inputs}
    output = forward(case, {**inputs, **leaves}, backend)
    gradients = torch.autograd.grad(output, list(leaves.values()), cotangent)
    return dict(zip(leaves, gradients, strict=True))


def twin_difference(case: Case) -> float:
    """Return by how much kernel and plain torch differ: the result and all gradients, relative to their largest."""
    inputs, y = random_inputs(), random_inputs(seed=2)["u"]
    kernel, plain = ({"H": forward(case, inputs, b), **pulled_back(case, inputs, y, b)} for b in ("cpu", "torch"))
    return max(float((kernel[name] - plain[name]).abs().max() / plain[name].abs().max()) for name in plain)


def gradcheck(case: Case) -> bool:
    """Return whether torch.autograd.gradcheck finds the Jacobian of the kernel right, all inputs at once.

    It also asks that a repeated backward pass give the same bits.
    """
    import torch

    inputs = random_inputs(seed=4, shape=SMALL)
    leaves = tuple(inputs[name].requires_grad_() for name in case.inputs)

    def evolve(*values: Tensor) -> Tensor:
        return forward(case, {**inputs, **dict(zip(case.inputs, values, strict=True))}, "cpu")

    return bool(torch.autograd.gradcheck(evolve, leaves, atol=ABSOLUTE, rtol=RELATIVE, raise_exception=False))


def pushed_forward(case: Case, inputs: Inputs, name: str, direction: Tensor) -> Field:
    """Return the derivative of H[STEPS] along a direction of one input, by a complex step of the NumPy reference.

        J d = Im F(x + i e d) / e

    No difference is taken, so e can be so small that its square vanishes: the result is exact to rounding.

    References
    ----------
    W. Squire and G. Trapp, SIAM Rev. 40 (1998) 110-112, doi:10.1137/S003614459631241X.
    """
    values = {other: tensor.numpy().astype(complex) for other, tensor in inputs.items()}
    values[name] += 1j * TINY * direction.numpy()
    rows, columns = shape = SHAPE[-2:]
    ends = np.cumsum((columns, columns, rows))
    sides = case.variant.sides(dict(zip(NAMES, np.split(values[WALL], ends), strict=True)))
    h, h_prev, source = (on_walls(values[held], sides, shape) for held in ("h", "h_prev", "source"))
    raw = RAW().after(1) if case.filtered else Filter()
    mesh = Mesh(DT, DX, DY, sides.kinds, case.variant.advection, case.variant.diffusion, raw)
    fields = Fields(values["u"], values["v"], values["Dx"], values["Dy"], source)
    derivative: Field = reference.forward(Levels(h, h_prev), fields, mesh, STEPS).now.imag / TINY
    return derivative


@dataclass(frozen=True)
class DotTest:
    """<J x, y> by a complex step of the NumPy reference, <x, J' y> by the kernel's adjoint, for one input."""

    name: str
    forward: float
    adjoint: float

    @property
    def difference(self) -> float:
        """Relative difference of the two."""
        return abs(self.forward - self.adjoint) / max(abs(self.forward), abs(self.adjoint))


def dot_tests(case: Case) -> list[DotTest]:
    """Compare the derivative in a random direction, pushed forward and pulled back, for each input."""
    inputs, directions, y = random_inputs(), random_inputs(seed=1), random_inputs(seed=2)["u"]
    gradients = pulled_back(case, inputs, y)
    tests = []
    for name in case.inputs:
        pushed = pushed_forward(case, inputs, name, directions[name])
        back = float((directions[name] * gradients[name]).sum())
        tests.append(DotTest(name, float((pushed * y.numpy()).sum()), back))
    return tests


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


def taylor_tests(case: Case) -> list[TaylorTest]:
    """Measure the remainders along one direction of each input, kernel forward and kernel adjoint.

    The direction is half random, half along the gradient: in a random one alone the first order may all but vanish.
    """
    inputs, noise = random_inputs(), random_inputs(seed=3)
    output = forward(case, inputs, "cpu")
    gradients = pulled_back(case, inputs, output)
    phi = 0.5 * float((output**2).sum())
    tests = []
    for name in case.inputs:
        direction = noise[name] + gradients[name] * (noise[name].norm() / gradients[name].norm())
        slope = float((gradients[name] * direction).sum())
        first, second = [], []
        for e in EPSILONS:
            moved = forward(case, {**inputs, name: inputs[name] + e * direction}, "cpu")
            change = 0.5 * float((moved**2).sum()) - phi
            first.append(abs(change))
            second.append(abs(change - e * slope))
        tests.append(TaylorTest(name, tuple(first), tuple(second)))
    return tests
