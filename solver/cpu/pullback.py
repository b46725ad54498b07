"""The adjoint of a call: which kernel pulls the cotangent back, and where the gradients go."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from solver.cpu.adjoint import adjoint_planes
from solver.cpu.adjoint_filtered import adjoint_filtered
from solver.cpu.adjoint_step import adjoint_step
from solver.cpu.lanes_adjoint import adjoint_packs
from solver.cpu.lanes_adjoint_step import adjoint_step_packs
from solver.cpu.layout import Batch, Extent, writable
from solver.cpu.small import is_small, packs_of
from solver.cpu.targets import Targets, aligned
from solver.cpu.threads import Team, own_team, share
from solver.records import Array, Fields, Inputs, Levels, Mesh, Ratios, common_shape, sum_to_shape

ALL = (True,) * len(Inputs._fields)
APART = (False,) * len(Inputs._fields)


def adjoint(
    cotangent: Levels | Array,
    levels: Levels,
    fields: Fields,
    mesh: Mesh,
    steps: int,
    wanted: Sequence[bool] = ALL,
    team: Team | None = None,
    joined: Sequence[bool] = APART,
) -> Inputs:
    """Pull a cotangent of (H[K], H[K-1]), or of H[K] alone, back to the inputs; see `solver.reference.adjoint`.

    `wanted` names, in the order of Inputs, the gradients to compute; the others come back empty. `team` are the
    threads to use, by default NUMBA_NUM_THREADS of our own. Inputs that are `joined`, H[-1] or the source, are H[0]
    itself: its gradient is the sum of all of theirs, and theirs come back empty.
    """
    inputs = Inputs.of(levels, fields)
    shape = common_shape(inputs)
    of_now, of_old = _cotangents(cotangent, shape, inputs.now.dtype)
    wanted = [w and not j for w, j in zip(wanted, joined, strict=True)]
    if steps == 0 or not of_now.size:
        return _adjoint_of_nothing(of_now, of_old, inputs, wanted, joined)
    arrays, table = Batch.of(inputs, shape)
    planes = prod(shape[:-2])
    strides, nothing = table[:, 0].tolist(), np.empty(0, inputs.now.dtype)
    out = [aligned((planes * n,), inputs.now.dtype) if w else nothing for n, w in zip(strides, wanted, strict=True)]
    joined = [j and wanted[0] for j in joined]
    run(Targets.of(out, strides, joined), (of_now, of_old), (arrays, table), shape, mesh, steps, team)
    return Inputs(*[_reduce(g, i.shape, shape) if w else g for g, i, w in zip(out, inputs, wanted, strict=True)])


def adjoint_stacked(
    cotangent: Array,
    inputs: Inputs,
    names: Sequence[str],
    mesh: Mesh,
    steps: int,
    wanted: Sequence[bool],
    joined: Sequence[bool],
    team: Team | None = None,
) -> tuple[Array, Array]:
    """Pull a cotangent of H[K] back to H[0], joined by others as above, and to a stack of fields.

    `wanted` asks for the one and the other; what is not wanted is empty. All inputs called `names` have the shape of
    H[0]; their gradients are written as one array (..., len(names), rows, columns).
    """
    shape, dtype = inputs.now.shape, inputs.now.dtype
    of_x = aligned(shape if wanted[0] else (0,), dtype)
    of_fields = aligned((*shape[:-2], len(names), *shape[-2:]) if wanted[1] else (0,), dtype)
    adjoint_stacked_into(of_x, of_fields, cotangent, inputs, names, mesh, steps, joined, team)
    return of_x, of_fields


def adjoint_stacked_into(
    of_x: Array,
    of_fields: Array,
    cotangent: Array,
    inputs: Inputs,
    names: Sequence[str],
    mesh: Mesh,
    steps: int,
    joined: Sequence[bool],
    team: Team | None = None,
) -> None:
    """Write what `adjoint_stacked` returns; an array that is empty is not wanted, the others are contiguous."""
    shape, dtype = inputs.now.shape, inputs.now.dtype
    cells, count = shape[-2] * shape[-1], len(names)
    if steps == 0 or not inputs.now.size:
        of_x[...] = cotangent if of_x.size else 0
        of_fields.fill(0)
        return
    nothing = np.empty(0, dtype)
    arrays, strides = [nothing] * len(Inputs._fields), [cells] * len(Inputs._fields)
    arrays[0] = of_x.reshape(-1)
    for slot, name in enumerate(names if of_fields.size else ()):
        which = Inputs._fields.index(name)
        arrays[which], strides[which] = of_fields.reshape(-1)[slot * cells :], count * cells
    size = of_x.nbytes + of_fields.nbytes
    targets = Targets.of(arrays, strides, [j and of_x.size > 0 for j in joined], size)
    run(targets, _cotangents(cotangent, shape, dtype), Batch.of(inputs, shape), shape, mesh, steps, team)


def run(
    targets: Targets,
    cotangents: tuple[Array, Array],
    batch: tuple[tuple[Array, ...], Array],
    shape: tuple[int, ...],
    mesh: Mesh,
    steps: int,
    team: Team | None,
) -> None:
    """Call the kernel for these forms and steps: each is compiled when first used."""
    dtype = cotangents[0].dtype
    ratios, extent = Ratios.of(mesh, dtype), Extent.of(shape, steps, mesh, dtype)
    of_now, of_old = [writable(np.ascontiguousarray(a).reshape(-1)) for a in cotangents]
    published = not (ratios.velocity_share or ratios.diffusivity_share)
    filtered = extent.unfiltered < steps
    # The other forms share one compilation, which reads the neighbours' shares whatever they are.
    if published and not filtered:
        ratios = ratios.pruned()
    arguments = (targets, (of_now, of_old), tuple(batch), ratios, extent)
    planes, cells = prod(shape[:-2]), prod(shape)
    team = (team or own_team()).for_work(cells * (steps + 1))
    if filtered:
        share(adjoint_filtered, arguments, planes, team)
    elif published and steps == 1:
        joined = True if targets.joined[1] and targets.joined[2] else None
        if is_small(shape, steps, dtype.itemsize, adjoint=True):
            share(adjoint_step_packs, (*arguments, joined, planes), packs_of(planes), team)
        else:
            share(adjoint_step, (*arguments, joined), planes, team)
    elif published and is_small(shape, steps, dtype.itemsize, adjoint=True):
        share(adjoint_packs, (*arguments, planes), packs_of(planes), team)
    else:
        share(adjoint_planes, (*arguments, None if published else True), planes, team)


def _cotangents(cotangent: Levels | Array, shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[Array, Array]:
    """Return the cotangents of H[K] and H[K-1] in the common shape; the latter may be empty."""
    of_now, of_old = cotangent if isinstance(cotangent, Levels) else (cotangent, np.empty(0, dtype))
    return _expanded(of_now, shape), _expanded(of_old, shape) if of_old.size else of_old


def _expanded(array: Array, shape: tuple[int, ...]) -> Array:
    return array if array.shape == shape else np.broadcast_to(array, shape)


def _reduce(gradient: Array, shape: tuple[int, ...], full: tuple[int, ...]) -> Array:
    """Sum what the kernel wrote per plane of the batch to the shape of the input."""
    per_cell = gradient.size == prod(full)
    return sum_to_shape(gradient.reshape(full if per_cell else (*full[:-2], 1, 1)), shape)


def _adjoint_of_nothing(
    of_now: Array, of_old: Array, inputs: Inputs, wanted: Sequence[bool], joined: Sequence[bool]
) -> Inputs:
    """Pull back through K = 0, where H[K] is H[0], H[K-1] is H[-1] and no field is used; or to no plane at all."""
    none = np.zeros_like(of_now)
    of_old = of_old if of_old.size else none
    gradients = (of_now + of_old if joined[1] else of_now, of_old, none, none, none, none, none)
    asked = zip(gradients, inputs, wanted, strict=True)
    return Inputs(*(sum_to_shape(g.copy(), i.shape) if w else none.reshape(-1)[:0] for g, i, w in asked))
