"""A layer in one pass over its input: convolutions that make the fields, K time steps, an affine map, a ReLU.

    u, v, Dx, Dy = ReLU(3 x 3 convolutions of I + shifts),    H[0] = H[-1] = I,    out = ReLU(scale H[K] + offset)

each channel by itself, with zeros around I for the convolution whatever the sides are for the equation. A plane, or a
pack of planes side by side, is done while it is in cache, and its fields never leave it: I is read once, the output
written once.
"""

from __future__ import annotations

from math import prod
from typing import Any, Final, NamedTuple

import numpy as np

from solver.cpu.layer_packs import FIELDS, layer_packs
from solver.cpu.layer_planes import layer_planes
from solver.cpu.layout import Extent
from solver.cpu.small import is_small_for_layer, packs_of
from solver.cpu.threads import Team, own_team, share
from solver.cpu.transposing import LANES
from solver.records import Array, Inputs, Mesh, Ratios

NAMES = ("u", "v", "Dx", "Dy")
# Bytes of a pack of planes, measured with one step and five: beyond, a step works on seven such packs, several on
# sixteen, which no second-level cache holds, and planes are turned around in less time.
LARGEST_PACK: Final = 1 << 18


class Layer(NamedTuple):
    """The numbers of a layer of C channels, n of whose fields are learned: contiguous, in the dtype of the input."""

    filters: Array
    "(C, n, 9)"
    shifts: Array
    "(C, n)"
    scales: Array
    "(C,): of the output"
    offsets: Array
    "(C,)"


class Parts(NamedTuple):
    """Which fields are learned, and what takes the place of the rest."""

    velocity: bool = True
    "whether u and v are; else they are zero"
    diffusivity: float | None = None
    "None: Dx and Dy are; else the number that both are"
    source: bool = True
    "whether f = I; else zero"

    @property
    def learned(self) -> range:
        """Which of u, v, Dx, Dy (0 to 3) are learned."""
        return range(0 if self.velocity else 2, FIELDS if self.diffusivity is None else 2)

    @property
    def names(self) -> tuple[str, ...]:
        """What the learned fields are called, in their order."""
        return tuple(NAMES[which] for which in self.learned)

    @property
    def joined(self) -> list[bool]:
        """Which of the seven inputs are I as well as H[0]: their gradients are part of its own."""
        return [name == "old" or (name == "source" and self.source) for name in Inputs._fields]

    def arrays(self, image: Array, fields: Array) -> Inputs:
        """Return the seven inputs: I, views of the learned fields, (..., n, rows, columns), and numbers."""
        zero = np.zeros((), image.dtype)
        D = zero if self.diffusivity is None else np.array(self.diffusivity, image.dtype)
        of_fields = {"u": zero, "v": zero, "Dx": D, "Dy": D}
        for slot, name in enumerate(self.names):
            of_fields[name] = fields[..., slot, :, :]
        return Inputs(image, image, image if self.source else zero, **of_fields)


def evaluate(
    out: Array, image: Array, layer: Layer, parts: Parts, mesh: Mesh, steps: int, team: Team | None = None
) -> None:
    """Write the layer's output for `image`, (N, C, rows, columns), into `out`; both contiguous.

    The sides of `mesh` are periodic or no-flux. `team` are the threads to use, by default NUMBA_NUM_THREADS of our own.
    """
    if not out.size:
        return
    arguments, team = _call(out, image, out.shape, layer, parts, mesh, steps), _team(out.size, parts, steps, team)
    if is_small_for_layer(out.shape, steps, team.size):
        share(layer_packs, (*arguments, False), packs_of(prod(out.shape[:2])), team)
    else:
        share(layer_planes, arguments, prod(out.shape[:2]), team)


def evaluate_by_cell(
    out: Array, image: Array, layer: Layer, parts: Parts, mesh: Mesh, steps: int, team: Team | None = None
) -> None:
    """Do so for images whose channels are last, (N, rows, columns, C), and make whole packs: see `goes_by_cell`."""
    N, rows, columns, C = out.shape
    if C % LANES:
        raise ValueError(f"`image` has {C} channels last: it takes a multiple of {LANES}; turn it to planes.")
    if not out.size:
        return
    arguments = _call(out, image, (N, C, rows, columns), layer, parts, mesh, steps)
    share(layer_packs, (*arguments, True), packs_of(N * C), _team(out.size, parts, steps, team))


def goes_by_cell(shape: tuple[int, ...], parts: Parts, steps: int, itemsize: int, team: Team) -> bool:
    """Whether images of (N, C, rows, columns) whose channels are last may lie so, and better than as planes."""
    N, C, rows, columns = shape
    # Else threads share out single planes.
    busy = packs_of(N * C) >= _team(prod(shape), parts, steps, team).size
    return C % LANES == 0 and busy and rows * columns * LANES * itemsize <= LARGEST_PACK


def _call(
    out: Array, image: Array, shape: tuple[int, ...], layer: Layer, parts: Parts, mesh: Mesh, steps: int
) -> tuple[Any, ...]:
    """Return what both kernels take of images of (N, C, rows, columns), in whatever order they lie."""
    for name, array in (("out", out), ("image", image)):
        if not array.flags.c_contiguous:
            raise ValueError(f"`{name}` is not contiguous: the kernel takes it as it lies; make it so.")
    learned, constant = parts.learned, out.dtype.type(parts.diffusivity or 0)
    chosen = (learned.start, max(learned.start, learned.stop), parts.source, constant)
    flat = tuple(a.reshape(-1) for a in layer)
    ratios, extent = Ratios.of(mesh, out.dtype).pruned(), Extent.of(shape, steps, mesh, out.dtype)
    return out.reshape(-1), image.reshape(-1), flat, chosen, ratios, extent


def _team(cells: int, parts: Parts, steps: int, team: Team | None) -> Team:
    """Return the team for so many cells, of all planes."""
    return (team or own_team()).for_work(cells * (steps + len(parts.learned)))
