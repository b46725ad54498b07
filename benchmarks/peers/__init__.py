"""The contenders, one file each; a file is imported only in the process that measures it.

Each module offers `forward(problem)`, and those that can differentiate `backward(problem)`; both return a `Prepared`.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

MODULES = {
    "pdebridge": "ours",
    "one thread": "one_thread",
    "solve": "solve",
    "numpy": "numpy_roll",
    "torch": "torch_eager",
    "torch.compile": "torch_compiled",
    "numba": "numba_loop",
    "jax": "jax_jit",
    "py-pde": "py_pde",
    "devito": "devito_openmp",
}
OURS, *PEERS = MODULES


def load(name: str) -> ModuleType:
    """Import a contender; ImportError if a package that it needs is absent."""
    if name not in MODULES:
        raise ImportError(f"no contender is called {name!r}")
    return import_module(f"benchmarks.peers.{MODULES[name]}")
