"""The inputs of a call in the memory of the GPU."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np

from solver.cpu.layout import Batch, Extent
from solver.cuda.target import cuda, require
from solver.records import Array, Inputs, Mesh, Ratios, common_shape


class DeviceBatch(NamedTuple):
    """Seven flat arrays and their layouts on the GPU, and what the kernels go over."""

    arrays: tuple[Any, ...]
    table: Any
    ratios: Ratios
    shape: tuple[int, ...]
    sides: tuple[int, int, int, int]

    @classmethod
    def of(cls, inputs: Inputs, mesh: Mesh) -> DeviceBatch:
        """Copy the inputs to the GPU; one that comes again is copied once."""
        require()
        if mesh.raw.nu:
            raise ValueError("`filter` is not available on backend='cuda': leave it out, or use backend='cpu'")
        shape = common_shape(inputs)
        arrays, table = Batch.of(inputs, shape)
        copies: dict[int, Any] = {}
        for array in arrays:
            if id(array) not in copies:
                copies[id(array)] = cuda.to_device(array)
        sides = Extent.of(shape, 0, mesh, inputs.now.dtype).sides
        ratios = Ratios.of(mesh, inputs.now.dtype).pruned()
        return cls(tuple(copies[id(a)] for a in arrays), cuda.to_device(table), ratios, shape, sides)

    def with_levels(self, now: Any, old: Any) -> DeviceBatch:
        """Return the same fields with other levels on the GPU, flat arrays of all planes."""
        table = self.table.copy_to_host()
        table[:2] = self.cells, self.cells, 1, self.planes
        return self._replace(arrays=(now, old, *self.arrays[2:]), table=cuda.to_device(table))

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
        return cuda.device_array(prod(self.shape) if cells is None else cells, self.dtype)


def to_host(device: Any, shape: tuple[int, ...]) -> Array:
    """Return a copy in the memory of the host."""
    array: Array = device.copy_to_host()
    return array.reshape(shape)
