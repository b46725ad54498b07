"""What a case computes: K steps of the scheme on planes or on a grid, with seeded inputs.

A problem is plain data, so that each process draws the same inputs for itself. Rank tells its two kinds apart: (N, C,
rows, columns) is the batch of small planes of the layer, (rows, columns) is the one large grid of the solver.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np

from solver import Dirichlet, Sides, reference
from solver.records import Array, Fields, Inputs, Levels, Mesh, sum_to_shape

DT = 0.2  # the layer's
PER_CELL, PER_CHANNEL, SCALAR, CONSTANT_D, CONSTANT = "per cell", "per channel", "scalar", "constant D", "constant"
LAYER, START = ("old", "source"), ("old",)
SAMPLE = 64  # planes that are held against the reference: planes do not depend on each other
LARGE = 2**21  # cells of a grid of which only a patch is: NumPy would take minutes
_SIDES: dict[str, Callable[[], str | Dirichlet]] = {
    "periodic": lambda: "periodic",
    "no-flux": lambda: "no-flux",
    "Dirichlet": lambda: Dirichlet(0.0),
}


@dataclass(frozen=True)
class Problem:
    """K steps with random coefficients of the size that a trained layer has.

    Attributes
    ----------
    shape : tuple of int
        (N, C, rows, columns) or (rows, columns).
    steps : int
        K.
    dtype : str
        ``"float32"`` or ``"float64"``.
    coefficients : str
        u, v, Dx, Dy ``"per cell"``, ``"per channel"``, ``"scalar"``; ``"constant D"``: u, v per cell, Dx = Dy = 1 are
        numbers without a gradient, as in the MNIST network; ``"constant"``: all four are numbers.
    same : tuple of str
        Which inputs are the very array of H[0]: ``LAYER`` for H[-1] and f, as in the layer; ``START`` for H[-1], as at
        the first step of a run; none by default.
    boundary : str
        ``"periodic"``, ``"no-flux"`` or ``"Dirichlet"``.
    """

    shape: tuple[int, ...]
    steps: int
    dtype: str = "float32"
    coefficients: str = PER_CELL
    same: tuple[str, ...] = ()
    boundary: str = "periodic"

    @property
    def is_grid(self) -> bool:
        """Whether it is one large grid."""
        return len(self.shape) == 2

    @property
    def cells(self) -> int:
        """Cells of all planes."""
        return prod(self.shape)

    @property
    def mesh(self) -> Mesh:
        """The discretisation: unit spacing, the published forms."""
        return Mesh(DT, boundary=self.sides.kinds)

    @property
    def sides(self) -> Sides:
        """The boundary of a `solver.Grid`."""
        return Sides.of(_SIDES[self.boundary]())

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each distinct input, by its name in `Inputs`; one that is H[0] counts as ``now``."""
        levels = tuple(name for name in ("now", "old", "source") if name not in self.same)
        small = {PER_CHANNEL: (self.shape[-3] if not self.is_grid else 1, 1, 1)}.get(self.coefficients, ())
        velocity = self.shape if self.coefficients in (PER_CELL, CONSTANT_D) else small
        diffusivity = self.shape if self.coefficients == PER_CELL else small
        named = dict.fromkeys(levels, self.shape) | dict.fromkeys(("u", "v"), velocity)
        return named | dict.fromkeys(("Dx", "Dy"), diffusivity)

    @property
    def wanted(self) -> tuple[str, ...]:
        """The inputs that a backward case differentiates by."""
        fixed = {CONSTANT_D: ("Dx", "Dy"), CONSTANT: ("u", "v", "Dx", "Dy")}.get(self.coefficients, ())
        return tuple(name for name in self.shapes if name not in fixed)

    def draw(self) -> Inputs:
        """Return the seven inputs; one that is H[0] is the same array.

        Levels and source lie in [-1/2, 1/2], coefficients in [0, 1/2], as behind a ReLU.
        """
        rng, dtype = np.random.default_rng(1953), np.dtype(self.dtype)
        found: dict[str, Array] = {}
        for name, shape in self.shapes.items():
            values = np.asarray(rng.random(shape, np.float32), dtype)  # the same numbers in both dtypes
            found[name] = values - dtype.type(0.5) if name in ("now", "old", "source") else values * dtype.type(0.5)
        if self.coefficients == CONSTANT_D:
            found["Dx"] = found["Dy"] = np.ones((), dtype)
        found |= dict.fromkeys(self.same, found["now"])
        return Inputs(**{name: np.asarray(found[name]) for name in Inputs._fields})

    def cotangent(self) -> Array:
        """Return the random gradient of the output that a backward case starts from."""
        return np.random.default_rng(1947).random(self.shape, np.float32).astype(self.dtype)

    def sample(self, result: Array) -> Array:
        """Return the part of an output, or of a gradient, that is held against the reference."""
        return self._part(result, margin=0)

    def reference(self, backward: bool) -> tuple[Array, ...]:
        """Return H[K], or the gradients by the `wanted` inputs, in float64 from the NumPy oracle, for `sample`."""
        if not backward:
            return (self.exact(lambda x: reference.forward(levels_of(x), fields_of(x), self.mesh, self.steps).now),)
        inputs = self._exact_inputs(margin=0)
        levels, fields = levels_of(inputs), fields_of(inputs)
        seed = self.sample(self.cotangent()).astype(np.float64)
        full = reference.adjoint(Levels(seed, np.zeros_like(seed)), levels, fields, self.mesh, self.steps)
        gradients = full._asdict()
        gradients["now"] = sum((gradients[name] for name in self.same), full.now)
        return tuple(sum_to_shape(gradients[name], getattr(inputs, name).shape) for name in self.wanted)

    def exact(self, evolve: Callable[[Inputs], Array]) -> Array:
        """Return what `evolve`, which takes arrays as periodic, makes of the inputs in float64, for `sample`."""
        margin = self.steps + 1 if self._is_patch else 0  # the values that K steps and a difference of u can reach
        result = evolve(self._exact_inputs(margin))
        return result[margin : result.shape[0] - margin, margin : result.shape[1] - margin] if margin else result

    def _exact_inputs(self, margin: int) -> Inputs:
        return Inputs(*(self._part(array, margin).astype(np.float64) for array in self.draw()))

    def _part(self, array: Array, margin: int) -> Array:
        """Return what is compared of an array of the full shape, of a grid with a margin around; others whole."""
        if array.shape != self.shape:
            return array
        if self._is_patch:  # around the corner, so that the periodic border is seen
            reach = np.arange(-SAMPLE - margin, SAMPLE + margin)
            return array[np.ix_(reach % self.shape[0], reach % self.shape[1])]
        planes = prod(self.shape[:-2])
        if planes <= SAMPLE or self.coefficients not in (PER_CELL, CONSTANT_D):
            return array  # a gradient that sums over the planes needs them all
        return array.reshape(-1, *self.shape[-2:])[np.linspace(0, planes - 1, SAMPLE).astype(np.int64)]

    @property
    def _is_patch(self) -> bool:
        """Whether the grid is so large that a part of it is compared."""
        return self.is_grid and self.cells > LARGE and self.boundary == "periodic"


def levels_of(inputs: Inputs) -> Levels:
    """Return the two levels among the seven inputs."""
    return Levels(inputs.now, inputs.old)


def fields_of(inputs: Inputs) -> Fields:
    """Return the five fields among them."""
    return Fields(inputs.u, inputs.v, inputs.Dx, inputs.Dy, inputs.source)


def distance(found: tuple[Array, ...], exact: tuple[Array, ...]) -> float:
    """Return the largest error of any array, over the largest value of its exact one; NaN counts as infinite."""
    largest = 0.0
    for one, other in zip(found, exact, strict=True):
        scale = float(np.max(np.abs(other), initial=np.finfo(np.float64).tiny))
        error = float(np.max(np.abs(one.astype(np.float64) - other), initial=0.0)) / scale
        largest = max(largest, error if error == error else float("inf"))
    return largest
