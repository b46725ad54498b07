"""The one module that knows Numba's CUDA target: kernels, device memory, and whether there is a GPU to run them.

It comes with the extra `cuda` (numba-cuda, the maintained package). Importing it touches no driver. With
NUMBA_ENABLE_CUDASIM=1 in the environment kernels run as Python threads on the CPU, for tests on tiny grids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from solver.compiling import config

INSTALL = "install it with: pip install 'pdebridge[cuda]', or use backend='cpu'"


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


def kernel(function: Callable[..., None]) -> Any:
    """Compile a kernel: when first launched, for the device at hand."""
    return cuda.jit(function)


def device_view(tensor: Any) -> Any:
    """Return a tensor's memory as a kernel takes it; nothing is copied and nothing is waited for."""
    if is_simulated():
        from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

        return FakeCUDAArray(tensor.numpy())
    return cuda.as_cuda_array(tensor, sync=False)


@contextmanager
def on_device(tensor: Any) -> Iterator[Any]:
    """Launch on the device of a tensor, and yield torch's current stream there."""
    if is_simulated():
        yield 0
        return
    from torch.cuda import current_stream

    with cuda.gpus[tensor.device.index]:
        handle = current_stream(tensor.device).cuda_stream
        yield cuda.external_stream(handle) if handle else 0


def _load() -> Any:
    """Import the target, and say there how a product and a sum are rounded once."""
    from numba import cuda

    if not is_simulated():
        from numba.extending import overload

        from solver.arithmetic import multiply_add

        @overload(multiply_add, target="cuda")
        def _fused(a, b, c):
            def implementation(a, b, c):
                return cuda.fma(a, b, c)  # type: ignore[attr-defined]

            return implementation

    return cuda


if find_spec("numba_cuda") is None:
    raise ImportError(f"backend='cuda' needs the package numba-cuda, which is absent: {INSTALL}")
cuda = _load()
