"""The CPU backend: Numba kernels over padded planes, forward and adjoint, any number of planes and steps.

`forward` and `adjoint` take and return what `solver.reference` does. An input is read in place if its planes are evenly
spaced and each is contiguous or one value, as a scalar, a per-channel tensor or a field shared by a batch is; any other
is copied once.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from solver.cpu.adjoint import adjoint_planes
from solver.cpu.bands import BAND, forward_bands
from solver.cpu.forward import forward_planes
from solver.cpu.layout import Batch, Extent, writable
from solver.cpu.planes import march_planes
from solver.cpu.strips import march_batch
from solver.cpu.threads import Team, own_team, share
from solver.records import Array, Fields, Inputs, Levels, Mesh, Ratios, common_shape, sum_to_shape

NAME = "cpu"
ALL = (True,) * len(Inputs._fields)

CACHED = 32_768  # cells of the largest plane that is marched whole: nine words a cell, in a second-level cache
SHARED = 4_096  # cells of the smallest that threads share


def forward(levels: Levels, fields: Fields, mesh: Mesh, steps: int, team: Team | None = None) -> Levels:
    """Advance `steps` time steps; see `solver.reference.forward`.

    `team` are the threads to use, by default NUMBA_NUM_THREADS of our own.
    """
    inputs = Inputs.of(levels, fields)
    shape = common_shape(inputs)
    now = np.empty(shape, levels.now.dtype)
    old = np.empty_like(now)
    _run(now, old, inputs, mesh, steps, team)
    return Levels(now, old)


def forward_into(out: Array, inputs: Inputs, mesh: Mesh, steps: int, team: Team | None = None) -> None:
    """Write H[steps] alone into `out`, contiguous and of the common shape: what the layer needs."""
    _run(out, out.reshape(-1)[:0], inputs, mesh, steps, team)


def _run(now: Array, old: Array, inputs: Inputs, mesh: Mesh, steps: int, team: Team | None) -> None:
    shape = now.shape
    if not now.size:
        return
    planes, extent = prod(shape[:-2]), Extent.of(shape, steps, mesh)
    ratios = Ratios.of(mesh, now.dtype).pruned()
    arrays, table = Batch.of(inputs, shape)
    now, old = now.reshape(-1), old.reshape(-1)
    arguments = (now, old, arrays, table, ratios, extent)
    team = (team or own_team()).for_work(now.size * (steps + 1))
    cells = shape[-2] * shape[-1]
    if extent.unfiltered < steps or steps == 0:
        if planes < team.size and cells > BAND:
            for p in range(planes):
                forward_bands(*arguments, p, team)
        else:
            share(forward_planes, arguments, planes, team)
    elif cells > CACHED or (planes < team.size and cells > SHARED):
        march_batch(now, old, Batch(arrays, table), ratios, extent, planes, team)
    else:
        share(march_planes, arguments, planes, team)


def adjoint(
    cotangent: Levels | Array,
    levels: Levels,
    fields: Fields,
    mesh: Mesh,
    steps: int,
    wanted: Sequence[bool] = ALL,
    team: Team | None = None,
) -> Inputs:
    """Pull a cotangent of (H[K], H[K-1]), or of H[K] alone, back to the inputs; see `solver.reference.adjoint`.

    `wanted` names, in the order of Inputs, the gradients to compute; the others come back empty. `team` are the
    threads to use, by default NUMBA_NUM_THREADS of our own.
    """
    inputs = Inputs.of(levels, fields)
    shape = common_shape(inputs)
    dtype = levels.now.dtype
    of_now, of_old = cotangent if isinstance(cotangent, Levels) else (cotangent, np.empty(0, dtype))
    of_now = np.broadcast_to(of_now, shape)
    of_old = np.broadcast_to(of_old, shape) if of_old.size else of_old
    if steps == 0 or not of_now.size:
        return _adjoint_of_nothing(of_now, of_old, inputs, wanted)
    planes, extent = prod(shape[:-2]), Extent.of(shape, steps, mesh)
    arrays, table = Batch.of(inputs, shape)
    out = tuple(np.empty(planes * int(cells) if w else 0, dtype) for cells, w in zip(table[:, 0], wanted, strict=True))
    flags = np.array(wanted, np.bool_)
    ratios = Ratios.of(mesh, dtype).pruned()
    arguments = (out, flags, _flat(of_now), _flat(of_old), arrays, table, ratios, extent)
    share(adjoint_planes, arguments, planes, (team or own_team()).for_work(of_now.size * (steps + 1)))
    return Inputs(*(_reduce(g, i.shape, shape, w) for g, i, w in zip(out, inputs, wanted, strict=True)))


def _flat(array: Array) -> Array:
    return writable(np.ascontiguousarray(array).reshape(-1))


def _reduce(gradient: Array, shape: tuple[int, ...], full: tuple[int, ...], wanted: bool) -> Array:
    """Sum what the kernel wrote per plane of the batch to the shape of the input."""
    if not wanted:
        return gradient
    per_cell = gradient.size == prod(full)
    return sum_to_shape(gradient.reshape(full if per_cell else (*full[:-2], 1, 1)), shape)


def _adjoint_of_nothing(of_now: Array, of_old: Array, inputs: Inputs, wanted: Sequence[bool]) -> Inputs:
    """Pull back through K = 0, where H[K] is H[0], H[K-1] is H[-1] and no field is used; or to no plane at all."""
    none = np.zeros_like(of_now)
    gradients = (of_now, of_old if of_old.size else none, none, none, none, none, none)
    asked = zip(gradients, inputs, wanted, strict=True)
    return Inputs(*(sum_to_shape(g.copy(), i.shape) if w else none.reshape(-1)[:0] for g, i, w in asked))
