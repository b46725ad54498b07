"""The CUDA backend: the scheme and its adjoint on an NVIDIA GPU, by Numba's CUDA target.

`forward` and `adjoint` take and return what `solver.reference` does, arrays in the memory of the host. The formulas are
those of the CPU, compiled for the GPU. It has no filter. Without the package numba-cuda importing this raises an
ImportError, without a usable GPU each call a RuntimeError, that say what to install.
"""

from __future__ import annotations

from typing import Any

import numpy as np

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
    of_now, of_old = cotangent if isinstance(cotangent, Levels) else (cotangent, np.empty(0, batch.dtype))
    of_now = np.ascontiguousarray(np.broadcast_to(of_now, batch.shape))
    of_old = np.ascontiguousarray(np.broadcast_to(of_old, batch.shape)) if of_old.size else of_old
    if steps == 0 or not of_now.size:
        none = np.zeros_like(of_now)
        full = [of_now, of_old if of_old.size else none, *[none] * (len(inputs) - 2)]
    else:
        gradients = tuple(batch.memory() for _ in inputs)
        given = cuda.to_device(of_now.reshape(-1)), cuda.to_device(of_old.reshape(-1))
        launch.pull_back(batch, steps, *given, gradients)
        full = [to_host(g, batch.shape) for g in gradients]
    return Inputs(*(sum_to_shape(g.copy(), i.shape) for g, i in zip(full, inputs, strict=True)))


class Course:
    """Advances levels with fields and a mesh that stay, in the memory of the GPU; see `solver.backends.Course`."""

    def __init__(self, fields: Fields, mesh: Mesh) -> None:
        self._fields, self._mesh = fields, mesh
        self._batch: DeviceBatch | None = None
        self._latest: Levels | None = None
        self._on_device: tuple[Any, Any] | None = None

    def advance(self, levels: Levels, steps: int) -> tuple[Levels, bool]:
        """Return the levels after so many steps, in memory that nobody else has, and whether H[K] is finite."""
        if self._batch is None:
            self._batch = DeviceBatch.of(Inputs.of(levels, self._fields), self._mesh)
        now, old = self._device_levels(levels)
        batch = self._batch.with_levels(now, old)
        new_now, new_old = batch.memory(), batch.memory()
        if new_now.size:
            launch.advance(batch, steps, new_now, new_old)
        reached = Levels(to_host(new_now, batch.shape), to_host(new_old, batch.shape))
        self._latest, self._on_device = reached, (new_now, new_old)
        return reached, all_finite(reached.now.reshape(-1))

    def reuse(self, levels: Levels) -> None:
        """Do nothing: what is reused is on the GPU."""

    def _device_levels(self, levels: Levels) -> tuple[Any, Any]:
        """Return levels on the GPU: those of the last call are there already."""
        if self._latest is not None and self._on_device is not None and levels is self._latest:
            return self._on_device
        full = [np.ascontiguousarray(np.broadcast_to(level, self._batch_shape())).reshape(-1) for level in levels]
        return cuda.to_device(full[0]), cuda.to_device(full[1])

    def _batch_shape(self) -> tuple[int, ...]:
        assert self._batch is not None
        return self._batch.shape
