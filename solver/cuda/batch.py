"""The inputs of a call in the memory of the GPU."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import numpy as np

from solver.cpu.layout import Batch, Extent
from solver.cuda.target import cuda, require
from solver.records import Array, Inputs, Mesh, Ratios, common_shape

Table = tuple[tuple[int, ...], ...]


class DeviceBatch(NamedTuple):
    """Seven flat arrays on the GPU, where the values of each plane lie in them, and what the kernels go over.

    All but the arrays goes to a kernel by value: a call copies nothing and waits for nothing.
    """

    arrays: tuple[Any, ...]
    table: Table
    "for each input a row of `solver.cpu.layout.Layout`: cells, stride, repeat, planes"
    ratios: Ratios
    shape: tuple[int, ...]
    sides: tuple[int, int, int, int]
    stream: Any = 0
    "on which kernels are launched; 0: the default stream"
    allocate: Callable[[int], Any] | None = None
    "returns memory for so many numbers; None: that of Numba"

    @classmethod
    def of(cls, inputs: Inputs, mesh: Mesh) -> DeviceBatch:
        """Copy inputs of the host to the GPU; one that comes again is copied once."""
        require()
        shape = common_shape(inputs)
        arrays, table = Batch.of(inputs, shape)
        copies: dict[int, Any] = {}
        for array in arrays:
            if id(array) not in copies:
                copies[id(array)] = cuda.to_device(array)
        return cls.on_device(tuple(copies[id(a)] for a in arrays), rows_of(table), shape, mesh)

    @classmethod
    def on_device(
        cls, arrays: tuple[Any, ...], table: Table, shape: tuple[int, ...], mesh: Mesh, stream: Any = 0
    ) -> DeviceBatch:
        """Describe inputs that are on the GPU."""
        if mesh.raw.nu:
            raise ValueError("`filter` is not available on backend='cuda': leave it out, or use backend='cpu'")
        dtype = arrays[0].dtype
        return cls(
            arrays, table, Ratios.of(mesh, dtype).pruned(), shape, Extent.of(shape, 0, mesh, dtype).sides, stream
        )

    def with_levels(self, now: Any, old: Any) -> DeviceBatch:
        """Return the same fields with other levels on the GPU, flat arrays of all planes."""
        row = (self.cells, self.cells, 1, self.planes)
        return self._replace(arrays=(now, old, *self.arrays[2:]), table=(row, row, *self.table[2:]))

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

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32 or float64."""
        dtype: np.dtype[Any] = self.arrays[0].dtype
        return dtype

    def memory(self, cells: int | None = None) -> Any:
        """Return flat memory for so many numbers, by default for all planes; 0: for a result that is not wanted."""
        if self.allocate is not None:
            return self.allocate(prod(self.shape) if cells is None else cells)
        return cuda.device_array(prod(self.shape) if cells is None else cells, self.dtype, stream=self.stream)


def rows_of(table: Array) -> Table:
    """Return a table of the CPU's layout as plain numbers."""
    return tuple(tuple(row) for row in table.tolist())


def to_host(device: Any, shape: tuple[int, ...]) -> Array:
    """Return a copy in the memory of the host."""
    array: Array = device.copy_to_host()
    return array.reshape(shape)
