"""The inputs of a call in the memory of the GPU."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import numpy as np

from solver.cpu.layout import Batch, Extent
from solver.cuda.arguments import Table, numbers_of, pack_sides, pack_table
from solver.cuda.memory import address_of
from solver.cuda.target import cuda, require
from solver.records import Array, Inputs, Mesh, Ratios, common_shape

MOST_CELLS = 2**31  # kernels count those of a plane in 32 bits


class DeviceBatch(NamedTuple):
    """Seven flat arrays on the GPU, where the values of each plane lie in them, and what the kernels go over.

    A kernel takes all of it by value: a call copies nothing and waits for nothing.
    """

    arrays: tuple[Any, ...]
    "of Numba or of torch"
    table: Table
    "for each input a row of `solver.cpu.layout.Layout`: cells, stride, repeat, planes"
    mesh: Mesh
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    "float32 or float64"
    stream: Any = 0
    "on which kernels are launched; 0: the default stream"
    allocate: Callable[[int], Any] | None = None
    "returns memory for so many numbers; None: that of Numba"
    first: int = 0
    "planes of the inputs before those that are meant"
    chunk: int = 0
    "planes of each part but the last of a batch, if this is one; `first` is a multiple of it"

    @classmethod
    def of(cls, inputs: Inputs, mesh: Mesh) -> DeviceBatch:
        """Copy inputs of the host to the GPU; one that comes again is copied once."""
        require()
        dtypes = {array.dtype for array in inputs}
        if len(dtypes) > 1 or not dtypes <= {np.dtype(np.float32), np.dtype(np.float64)}:
            named = ", ".join(f"{name} {array.dtype}" for name, array in zip(Inputs._fields, inputs, strict=True))
            raise TypeError(f"backend='cuda' takes seven inputs of one dtype, float32 or float64, got {named}")
        shape = common_shape(inputs)
        arrays, table = Batch.of(inputs, shape)
        copies: dict[int, Any] = {}
        for array in arrays:
            if id(array) not in copies:
                copies[id(array)] = cuda.to_device(array)
        return cls.on_device(tuple(copies[id(a)] for a in arrays), rows_of(table), shape, mesh, inputs.now.dtype)

    @classmethod
    def on_device(
        cls,
        arrays: tuple[Any, ...],
        table: Table,
        shape: tuple[int, ...],
        mesh: Mesh,
        dtype: np.dtype[Any],
        stream: Any = 0,
    ) -> DeviceBatch:
        """Describe inputs that are on the GPU."""
        if mesh.raw.nu:
            raise ValueError("`filter` is not available on backend='cuda': leave it out, or use backend='cpu'")
        if prod(shape[-2:]) >= MOST_CELLS:
            raise ValueError(
                f"planes of {shape[-2]} x {shape[-1]} cells are too large for backend='cuda', which takes fewer than "
                f"{MOST_CELLS} cells a plane: use backend='cpu'"
            )
        return cls(arrays, table, mesh, shape, np.dtype(dtype), stream)

    def with_levels(self, now: Any, old: Any) -> DeviceBatch:
        """Return the same fields with other levels on the GPU, flat arrays of all planes."""
        # Plane first + p of the inputs is plane p of these.
        row = (self.cells, self.cells, 1, self.chunk or self.planes)
        return self._replace(arrays=(now, old, *self.arrays[2:]), table=(row, row, *self.table[2:]))

    def part(self, first: int, chunk: int) -> DeviceBatch:
        """Return `chunk` of the planes, or those that are left, as a batch of its own that reads the same inputs."""
        planes = min(chunk, self.planes - first)
        return self._replace(shape=(planes, *self.shape[-2:]), first=first, chunk=chunk)

    def arguments(self) -> tuple[Any, ...]:
        """Return what kernels take of the inputs."""
        addresses = tuple(address_of(array) for array in self.arrays)
        return addresses, pack_table(self.table), numbers_of(self.mesh, self.dtype)

    @property
    def kinds(self) -> int:
        """The kinds of the four sides, packed."""
        return pack_sides(Extent.of(self.shape, 0, self.mesh, self.dtype).sides)

    def gradient_of_plane(self, which: int, regions: int) -> tuple[int, ...]:
        """Return the shape of an input's gradient in one plane: a value a cell, or one for each block that sums."""
        return (regions, 1) if self.table[which][0] == 1 and self.cells > 1 else self.shape[-2:]

    @property
    def with_shares(self) -> bool:
        """Whether a neighbour's velocity or diffusivity has a share in what a cell receives."""
        return Ratios.of(self.mesh, self.dtype).pruned().velocity_share is not None

    @property
    def rows(self) -> int:
        """Rows of a plane."""
        return self.shape[-2]

    @property
    def columns(self) -> int:
        """Columns of a plane."""
        return self.shape[-1]

    @property
    def cells(self) -> int:
        """Cells of a plane."""
        return self.rows * self.columns

    @property
    def planes(self) -> int:
        """Planes of the batch."""
        return prod(self.shape[:-2])

    def level(self) -> Any:
        """Return memory of Numba for a level, of the common shape."""
        return cuda.device_array(self.shape, self.dtype, stream=self.stream)

    def memory(self, cells: int | None = None) -> Any:
        """Return flat memory for so many numbers, by default for a level of all planes."""
        count = prod(self.shape) if cells is None else cells
        if self.allocate is not None:
            return self.allocate(count)
        return cuda.device_array(count, self.dtype, stream=self.stream)


def rows_of(table: Array) -> Table:
    """Return a table of the CPU's layout as plain numbers."""
    return tuple(tuple(row) for row in table.tolist())


def to_host(device: Any, shape: tuple[int, ...]) -> Array:
    """Return a copy in the memory of the host."""
    array: Array = device.copy_to_host()
    return array.reshape(shape)
