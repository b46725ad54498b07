"""The CPU backend: Numba kernels over padded planes, forward and adjoint, any number of planes and steps.

`forward` and `adjoint` take and return what `solver.reference` does. An input is read in place if its planes are evenly
spaced and each is contiguous or one value, as a scalar, a per-channel tensor or a field shared by a batch is; any other
is copied once.
"""

from __future__ import annotations

from math import prod

import numpy as np

from solver.cpu.bands import BAND, forward_bands
from solver.cpu.forward import forward_planes
from solver.cpu.layout import Batch, Extent
from solver.cpu.planes import flat_planes, step_planes
from solver.cpu.pullback import adjoint, adjoint_stacked
from solver.cpu.strips import march_batch
from solver.cpu.threads import Team, own_team, share
from solver.records import Array, Fields, Inputs, Levels, Mesh, Ratios, common_shape

__all__ = ["NAME", "adjoint", "adjoint_stacked", "forward", "forward_into"]

NAME = "cpu"

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
    planes, extent = prod(shape[:-2]), Extent.of(shape, steps, mesh, now.dtype)
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
        # Each is compiled when first used.
        share(step_planes if steps == 1 else flat_planes, arguments, planes, team)
