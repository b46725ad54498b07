"""Memory of the GPU as kernels see it: addresses.

An array that is given to a kernel costs its launch seven numbers and a search for its type; an address is one number,
and 0 stands for memory that is not wanted. In the simulator arrays themselves are given, or None.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from solver.cuda.target import device_function, is_simulated

GLOBAL = 1  # the address space of the GPU's memory
word: Any = np.int32  # counts within a plane: 64 bits would take twice as many registers


def address_of(array: Any, skipped: int = 0) -> Any:
    """Return what a kernel takes for contiguous memory, so many numbers after its beginning; None is not wanted."""
    if is_simulated():
        return None if array is None else _simulated(array)[skipped:]
    if array is None:
        return 0
    if hasattr(array, "data_ptr"):  # of torch
        return array.data_ptr() + skipped * array.element_size()
    return array.device_ctypes_pointer.value + skipped * array.dtype.itemsize


def _simulated(array: Any) -> Any:
    from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

    return FakeCUDAArray(array.numpy()).reshape(-1) if hasattr(array, "data_ptr") else array.reshape(-1)


def fetch(memory, index, like):
    """Return number `index` of memory, which has the dtype of `like`."""
    return memory[index]


def put(memory, index, value):
    """Write a number, in its own dtype."""
    memory[index] = value


def is_wanted(memory):
    """Whether there is memory at all."""
    return memory is not None


def _element(context: Any, builder: Any, kind: types.Type, address: Any, index: Any) -> Any:
    base = builder.inttoptr(address, context.get_value_type(kind).as_pointer(GLOBAL))
    return builder.gep(base, [index])


@intrinsic
def _load(typing_context, address, index, like):
    def generate(context, builder, signature, arguments):
        return builder.load(_element(context, builder, like, *arguments[:2]))

    return like(address, index, like), generate


@intrinsic
def _store(typing_context, address, index, value):
    def generate(context, builder, signature, arguments):
        builder.store(arguments[2], _element(context, builder, value, *arguments[:2]))
        return ir.Constant(ir.IntType(8).as_pointer(), None)

    return types.void(address, index, value), generate


@device_function(fetch)
def _fetch(memory, index, like):
    return lambda memory, index, like: _load(memory, index, like)  # type: ignore[call-arg]


@device_function(put)
def _put(memory, index, value):
    return lambda memory, index, value: _store(memory, index, value)  # type: ignore[call-arg]


@device_function(is_wanted)
def _is_wanted(memory):
    return lambda memory: memory != 0
