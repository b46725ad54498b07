"""The CPU backend: Numba kernels over padded planes, forward and adjoint, any number of planes and steps.

`forward` and `adjoint` take and return what `solver.reference` does. An input is read in place if its planes are evenly
spaced and each is contiguous or one value, as a scalar, a per-channel tensor or a field shared by a batch is; any other
is copied once.
"""

from __future__ import annotations

import numpy as np

from solver.cpu.course import Call, Course, read
from solver.cpu.pullback import adjoint, adjoint_stacked
from solver.cpu.threads import Team, own_team
from solver.records import Array, Fields, Inputs, Levels, Mesh, common_shape

__all__ = ["NAME", "Course", "adjoint", "adjoint_stacked", "forward", "forward_into", "read"]

NAME = "cpu"


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
    if now.size:
        Call.of(inputs, now.shape, mesh).run(now.reshape(-1), old.reshape(-1), mesh, steps, team or own_team())
