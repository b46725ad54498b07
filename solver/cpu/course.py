"""Which traversal makes K steps, and a course: K steps after K steps with the same fields.

A time loop pauses every 64 steps to look at what it has. Laying seven inputs out anew took 0.1 ms each time, as long as
three steps of 256 x 256 cells, and results in ever new memory were not in the caches that the last ones had left.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

import numpy as np

from solver.cpu.bands import BAND, forward_bands
from solver.cpu.forward import forward_planes
from solver.cpu.lanes_forward import flat_packs, step_packs
from solver.cpu.layout import Batch, Extent
from solver.cpu.planes import flat_planes, step_planes
from solver.cpu.small import is_small, packs_of
from solver.cpu.strips import march_batch
from solver.cpu.threads import Team, own_team, share
from solver.finite import all_finite
from solver.records import Array, Fields, Inputs, Levels, Mesh, Ratios, common_shape

CACHED = 32_768  # cells of the largest plane that is marched whole: nine words a cell, in a second-level cache
SHARED = 4_096  # cells of the smallest that threads share


class Course:
    """Advances levels with fields and a mesh that stay; see `solver.backends.Course`."""

    def __init__(self, fields: Fields, mesh: Mesh) -> None:
        self._fields, self._mesh = fields, mesh
        self._call: Call | None = None
        self._shape: tuple[int, ...] = ()
        self._spent: list[Levels] = []
        self._room: Levels | None = None

    def advance(self, levels: Levels, steps: int) -> tuple[Levels, bool]:
        """Return the levels after so many steps, in memory that nobody else has, and whether H[K] is finite."""
        self._shape = self._shape or common_shape(Inputs.of(levels, self._fields))
        reached = self._spent.pop() if self._spent else self._allocate(levels.now.dtype)
        if not reached.now.size:
            return reached, True
        self._room = self._room or self._allocate(levels.now.dtype)
        (now, old), room = (Levels(*(level.reshape(-1) for level in some)) for some in (reached, self._room))
        return reached, self._prepare(levels).run(now, old, self._mesh, steps, own_team(), room, looks=True)

    def reuse(self, levels: Levels) -> None:
        """Take levels that nobody needs any more as memory for the next ones; those that cannot be are left alone."""
        if levels.now is not levels.old and self._are_ours(levels):
            self._spent.append(levels)

    def _are_ours(self, levels: Levels) -> bool:
        """Whether levels are like those that `advance` makes; frozen ones belong to a solution."""
        flags = levels.now.flags, levels.old.flags
        return levels.now.shape == levels.old.shape == self._shape and all(
            f.c_contiguous and f.writeable for f in flags
        )

    def _prepare(self, levels: Levels) -> Call:
        """Return the call that begins from `levels`: only the first lays out the fields."""
        if self._call is None or not self._are_ours(levels):
            self._call = Call.of(Inputs.of(levels, self._fields), self._shape, self._mesh)
            return self._call
        now, old = levels.now.reshape(-1), levels.old.reshape(-1)
        return self._call._replace(batch=self._call.batch.with_levels(now, old, self._call.extent))

    def _allocate(self, dtype: np.dtype) -> Levels:
        return Levels(np.empty(self._shape, dtype), np.empty(self._shape, dtype))


def read(levels: Levels) -> Levels:
    """Return levels that a course has returned, which are arrays."""
    return levels


class Call(NamedTuple):
    """What is prepared of a call: only the results and the number of steps are missing."""

    batch: Batch
    ratios: Ratios
    extent: Extent
    planes: int

    @classmethod
    def of(cls, inputs: Inputs, shape: tuple[int, ...], mesh: Mesh) -> Call:
        """Prepare a call on inputs of the common shape, one value or more."""
        dtype = inputs.now.dtype
        extent = Extent.of(shape, 0, mesh, dtype)
        return cls(Batch.of(inputs, shape), Ratios.of(mesh, dtype).pruned(), extent, prod(shape[:-2]))

    def run(
        self,
        now: Array,
        old: Array,
        mesh: Mesh,
        steps: int,
        team: Team,
        room: Levels | None = None,
        looks: bool = False,
    ) -> bool:
        """Write H[K] into `now`, flat, and H[K-1] into `old` if that has room for it.

        `room` is scratch, two flat arrays as large as `now`; without it, it is allocated where it is needed. Return
        whether H[K] is finite, if `looks`.
        """
        unfiltered = min(mesh.raw.unfiltered, steps) if mesh.raw.nu else steps
        extent, planes = self.extent._replace(steps=steps, unfiltered=unfiltered), self.planes
        arguments = (now, old, *self.batch, self.ratios, extent)
        team = team.for_work(now.size * (steps + 1))
        cells = extent.rows * extent.columns
        if unfiltered < steps or steps == 0:
            if planes < team.size and cells > BAND:
                for p in range(planes):
                    forward_bands(*arguments, p, team)
            else:
                share(forward_planes, arguments, planes, team)
        elif cells > CACHED or (planes < team.size and cells > SHARED):
            return march_batch(now, old, self.batch, self.ratios, extent, planes, team, room, looks)
        elif is_small((planes, extent.rows, extent.columns), steps, extent.itemsize):
            share(step_packs if steps == 1 else flat_packs, (*arguments, planes), packs_of(planes), team)
        else:
            # Each is compiled when first used.
            share(step_planes if steps == 1 else flat_planes, arguments, planes, team)
        return not looks or all_finite(now)
