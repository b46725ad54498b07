"""The environment of a measurement: what the contenders' processes start with, and what is told of the machine."""

from __future__ import annotations

from pathlib import Path

from solver.environment import describe, version

KEEP_FREED_MEMORY = {  # or every large temporary is page faults, for the peers more than for us
    "MALLOC_MMAP_MAX_": "0",  # no block apart
    "MALLOC_TRIM_THRESHOLD_": str(2**36),  # the heap never shrinks by itself: `worker.give_back` says when
}
SETTINGS = KEEP_FREED_MEMORY | {
    "JAX_PLATFORMS": "cpu",
    "JAX_ENABLE_X64": "1",
    "DEVITO_ARCH": "gcc",
    "DEVITO_LANGUAGE": "openmp",
    "DEVITO_LOGGING": "ERROR",
}
PACKAGES = ("jax", "jaxlib", "devito", "py-pde")


def empty_caches(folder: Path) -> dict[str, str]:
    """Return settings by which nobody finds what an earlier run compiled."""
    caches = {"NUMBA_CACHE_DIR": "numba", "TORCHINDUCTOR_CACHE_DIR": "inductor", "TMPDIR": "temporary"}
    for name in caches.values():
        (folder / name).mkdir()
    return {variable: str(folder / name) for variable, name in caches.items()}


def machine() -> dict[str, str]:
    """Return hardware and versions, without the folders of whoever measured."""
    facts = {name: fact for name, fact in describe().items() if name != "kernel cache"}
    return facts | {name: version(name) or "absent" for name in PACKAGES} | SETTINGS
