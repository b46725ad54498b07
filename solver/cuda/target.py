"""The one module that knows Numba's CUDA target: kernels, device memory, and whether there is a GPU to run them.

It comes with the extra `cuda` (numba-cuda, the maintained package). Importing it touches no driver. With
NUMBA_ENABLE_CUDASIM=1 in the environment kernels run as Python threads on the CPU, for tests on tiny grids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from typing import Any

from numba.extending import overload

from solver.compiling import config

INSTALL = "install it with: pip install 'pdebridge[cuda]', or use backend='cpu'"
REGISTERS, MOST_REGISTERS = 65_536, 255  # of a block, and of a thread: with more no block is launched
FOUR_WARPS = 128  # threads: a multiprocessor has four parts, each with a quarter of the registers
UNASKED = 48 * 1024  # bytes of shared memory that a block has without asking
SIMULATED_SHARED = 2**17


def why_not() -> str | None:
    """Return why kernels cannot run here, or None if they can; this asks the driver."""
    if not cuda.is_available():
        return (
            "no CUDA GPU can be used: install an NVIDIA driver for CUDA 12 or later (nvidia-smi must list the GPU), "
            "or use backend='cpu'"
        )
    return None


def require() -> None:
    """Raise a RuntimeError that says what to install, unless kernels can run."""
    reason = why_not()
    if reason is not None:
        raise RuntimeError(f"backend='cuda' cannot run here: {reason}")


def is_simulated() -> bool:
    """Whether kernels run on the CPU as Python threads."""
    return bool(config.ENABLE_CUDASIM)


def shared_bytes() -> int:
    """Return how much shared memory a block may have on the current device, if it asks."""
    if is_simulated():
        return SIMULATED_SHARED
    return int(cuda.get_current_device().MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)


class Kernel:
    """A kernel of one signature, compiled for a device when it is first launched there."""

    def __init__(self, function: Callable[..., None], threads: int) -> None:
        self.py_func = function
        counted = -(-threads // FOUR_WARPS) * FOUR_WARPS
        self.registers = min(MOST_REGISTERS, REGISTERS // counted // 8 * 8)  # they are given out by eights
        # What the linker would optimise once more is not what the tests have looked at.
        options = {} if is_simulated() else {"max_registers": self.registers, "lto": False}
        self._compiled = cuda.jit(function, **options)
        self._ready: dict[int, Any] = {}
        self._granted: dict[int, int] = {}

    def launch(self, blocks: int, threads: int, stream: Any, shared: int, arguments: tuple[Any, ...]) -> None:
        """Launch on the current device, with so many bytes of shared memory for a block; nothing is waited for."""
        compiled = self._compiled if is_simulated() else self._on_device(shared, arguments)
        compiled[blocks, threads, stream, shared](*arguments)

    def _on_device(self, shared: int, arguments: tuple[Any, ...]) -> Any:
        """Return the kernel for the current device: its arguments' types are looked at once."""
        device = cuda.get_current_device()
        ready = self._ready.get(device.id)
        if ready is None:
            ready = self._ready[device.id] = self._compiled.specialize(*arguments)
        if shared > self._granted.get(device.id, UNASKED):
            (definition,) = ready.overloads.values()
            _grant(definition, device, shared)
            self._granted[device.id] = shared
        return ready


def _grant(definition: Any, device: Any, shared: int) -> None:
    """Ask the driver for more shared memory than a kernel has unasked; Numba has no call for it (its issue 94)."""
    from cuda.bindings import driver

    which = driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
    handle = definition._codelibrary.get_cufunc().handle
    if isinstance(handle, driver.CUkernel):
        (status,) = driver.cuKernelSetAttribute(which, shared, handle, driver.CUdevice(device.id))
    else:
        (status,) = driver.cuFuncSetAttribute(handle, which, shared)
    if status != driver.CUresult.CUDA_SUCCESS:
        raise RuntimeError(f"the GPU gives a block no {shared} bytes of shared memory: {status.name}")


def device_function(function: Callable[..., Any]) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator: what it decorates returns, for the types of the arguments, `function` as it is on the GPU."""
    if is_simulated():
        return lambda implementation: implementation
    return overload(function, target="cuda")


@contextmanager
def on_device(tensor: Any) -> Iterator[Any]:
    """Launch on the device of a tensor, and yield torch's current stream there."""
    if is_simulated():
        yield 0
        return
    from torch.cuda import current_stream

    with cuda.gpus[tensor.device.index]:
        yield _stream(tensor.device.index, current_stream(tensor.device).cuda_stream)


@cache
def _stream(device: int, handle: int) -> Any:
    """Return Numba's name of a stream of torch: one object, because launches are prepared by it."""
    return cuda.external_stream(handle) if handle else 0


def _load() -> Any:
    """Import the target, and say there how a product and a sum are rounded once."""
    from numba import cuda

    if not is_simulated():
        from solver.arithmetic import multiply_add

        config.CUDA_LOW_OCCUPANCY_WARNINGS = 0  # a grid of one small plane is what was asked for

        @overload(multiply_add, target="cuda")
        def _fused(a, b, c):
            def implementation(a, b, c):
                return cuda.fma(a, b, c)  # type: ignore[attr-defined]

            return implementation

    return cuda


if find_spec("numba_cuda") is None:
    raise ImportError(f"backend='cuda' needs the package numba-cuda, which is absent: {INSTALL}")
cuda = _load()
