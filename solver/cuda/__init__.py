"""The CUDA backend: the scheme and its adjoint on an NVIDIA GPU, by Numba's CUDA target.

`forward` and `adjoint` take and return what `solver.reference` does, arrays in the memory of the host. The formulas are
those of the CPU, compiled for the GPU. It has no filter. Without the package numba-cuda importing this raises an
ImportError, without a usable GPU each call a RuntimeError, that say what to install.
"""

from __future__ import annotations

import numpy as np

from solver import reference
from solver.cuda import launch
from solver.cuda.batch import DeviceBatch, to_host
from solver.cuda.target import cuda, why_not
from solver.finite import all_finite
from solver.records import Array, Fields, Inputs, Levels, Mesh, sum_to_shape

__all__ = ["NAME", "Course", "adjoint", "forward", "why_not"]

NAME = "cuda"


def forward(levels: Levels, fields: Fields, mesh: Mesh, steps: int) -> Levels:
    """Advance `steps` time steps; see `solver.reference.forward`.

    Raises
    ------
    RuntimeError
        If no GPU can be used; the message says what to install.
    ValueError
        If the mesh has a filter.
    """
    batch = DeviceBatch.of(Inputs.of(levels, fields), mesh)
    now, old = batch.memory(), batch.memory()
    if now.size:
        launch.advance(batch, steps, now, old)
    return Levels(to_host(now, batch.shape), to_host(old, batch.shape))


def adjoint(cotangent: Levels | Array, levels: Levels, fields: Fields, mesh: Mesh, steps: int) -> Inputs:
    """Pull a cotangent of (H[K], H[K-1]), or of H[K] alone, back to the inputs; see `solver.reference.adjoint`."""
    inputs = Inputs.of(levels, fields)
    batch = DeviceBatch.of(inputs, mesh)
    given = cotangent if isinstance(cotangent, Levels) else Levels(cotangent, np.zeros((), batch.dtype))
    if steps == 0 or not all(batch.shape):
        return reference.adjoint(given, levels, fields, mesh, steps)
    of_now, of_old = (np.ascontiguousarray(np.broadcast_to(c, batch.shape)).reshape(-1) for c in given)
    found = launch.pull_back(batch, steps, cuda.to_device(of_now), cuda.to_device(of_old), (True,) * 7)
    gradients = [to_host(g.memory, g.shape) for g in found if g is not None]
    return Inputs(*(sum_to_shape(g, i.shape) for g, i in zip(gradients, inputs, strict=True)))


class Course:
    """Advances levels with fields and a mesh that stay, in the memory of the GPU; see `solver.backends.Course`."""

    def __init__(self, fields: Fields, mesh: Mesh) -> None:
        self._fields, self._mesh = fields, mesh
        self._batch: DeviceBatch | None = None
        self._reached: Levels | None = None
        "what the last call has returned; the same is in `_batch`"

    def advance(self, levels: Levels, steps: int) -> tuple[Levels, bool]:
        """Return the levels after so many steps, in memory that nobody else has, and whether H[K] is finite."""
        batch = self._batch
        if batch is None or levels is not self._reached:
            batch = DeviceBatch.of(Inputs.of(levels, self._fields), self._mesh)
        now, old = batch.memory(), batch.memory()
        if now.size:
            launch.advance(batch, steps, now, old)
        self._batch = batch.with_levels(now, old)
        self._reached = Levels(to_host(now, batch.shape), to_host(old, batch.shape))
        return self._reached, all_finite(self._reached.now.reshape(-1))

    def reuse(self, levels: Levels) -> None:
        """Do nothing: what is reused is on the GPU."""
