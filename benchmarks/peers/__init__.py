"""The contenders, one file each; a file is imported only in the process that measures it.

Each module offers `forward(problem)`, and those that can differentiate `backward(problem)`; both return a `Prepared`.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

EAGER, COMPILED = "torch", "torch.compile"
MODULES = {
    "pdebridge": "ours",
    "one thread": "one_thread",
    "solve": "solve",
    "numpy": "numpy_roll",
    EAGER: "torch_eager",
    COMPILED: "torch_compiled",
    "numba": "numba_loop",
    "jax": "jax_jit",
    "py-pde": "py_pde",
    "devito": "devito_openmp",
}
PARTS = "parts"  # of our layer in evaluation, with our kernel: it computes no bare scheme, so it has no file here
RESNET32, REMOVED = "ResNet32", "layers removed"  # whole networks beside ResNet-Global, see `benchmarks.networks`
CONTENDERS: tuple[str, ...] = (*MODULES, PARTS, RESNET32, REMOVED)
OURS, *PEERS = CONTENDERS


def load(name: str) -> ModuleType:
    """Import a contender; ImportError if a package that it needs is absent."""
    if name not in MODULES:
        raise ImportError(f"no contender is called {name!r}")
    return import_module(f"benchmarks.peers.{MODULES[name]}")
