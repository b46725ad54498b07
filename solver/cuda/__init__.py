"""The CUDA backend: the scheme and its adjoint on an NVIDIA GPU, by Numba's CUDA target.

`forward` and `adjoint` take and return what `solver.reference` does, arrays in the memory of the host. The formulas are
those of the CPU, compiled for the GPU. It has no filter. Without the package numba-cuda importing this raises an
ImportError, without a usable GPU each call a RuntimeError, that say what to install.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from solver import reference
from solver.cuda import launch, scan
from solver.cuda.batch import DeviceBatch, to_host
from solver.cuda.target import cuda, why_not
from solver.records import Array, Fields, Inputs, Levels, Mesh, common_shape, sum_to_shape

__all__ = ["NAME", "Course", "adjoint", "forward", "read", "why_not"]

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
    of_now, of_old = (np.ascontiguousarray(np.broadcast_to(c, batch.shape), batch.dtype).reshape(-1) for c in given)
    found = launch.pull_back(batch, steps, cuda.to_device(of_now), cuda.to_device(of_old), (True,) * 7)
    gradients = [to_host(g.memory, g.shape) for g in found if g is not None]
    return Inputs(*(sum_to_shape(g, i.shape) for g, i in zip(gradients, inputs, strict=True)))


class Course:
    """Advances levels with fields and a mesh that stay; fields and levels are kept on the GPU.

    See `solver.backends.Course`. Levels are copied from there when `read` asks for them.
    """

    def __init__(self, fields: Fields, mesh: Mesh) -> None:
        self._fields, self._mesh = fields, mesh
        self._batch: DeviceBatch | None = None
        self._spent: list[Levels] = []

    def advance(self, levels: Levels, steps: int) -> tuple[Levels, bool]:
        """Return the levels after so many steps, in memory that nobody else has, and whether H[K] is finite."""
        if self._batch is None:
            shape = common_shape(Inputs.of(levels, self._fields))
            if not all(shape):
                return Levels(*(np.empty(shape, levels.now.dtype) for _ in range(2))), True
            batch = self._batch = DeviceBatch.of(Inputs.of(read(levels), self._fields), self._mesh)
        else:
            batch = self._batch.with_levels(*(on_device(level, self._batch) for level in levels))
        reached = self._spent.pop() if self._spent else Levels(batch.level(), batch.level())
        launch.advance(batch, steps, *reached)
        return reached, scan.all_finite(reached.now)

    def reuse(self, levels: Levels) -> None:
        """Take levels that nobody needs any more as memory for the next ones; arrays of the host are left alone."""
        if not is_on_host(levels.now) and levels.now is not levels.old:
            self._spent.append(levels)


def is_on_host(level: Any) -> bool:
    """Whether a level is an array in the memory of the host."""
    return isinstance(level, np.ndarray)


def on_device(level: Any, batch: DeviceBatch) -> Any:
    """Return a level in the memory of the GPU, where it is already or from an array that broadcasts to its shape."""
    if is_on_host(level):
        return cuda.to_device(np.ascontiguousarray(np.broadcast_to(level, batch.shape), batch.dtype))
    return level


def read(levels: Levels) -> Levels:
    """Return copies in the memory of the host of levels on the GPU; arrays as they are."""
    now, old = (level if is_on_host(level) else _copied(level) for level in levels)
    return Levels(now, old)


def _copied(level: Any) -> Array:
    array: Array = level.copy_to_host()
    return array
