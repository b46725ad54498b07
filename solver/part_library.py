"""The code of what only other kernels call: hardly optimised, for the kernel that it becomes a part of.

Numba optimises every function and makes machine code of it when it is lowered, and again as a part of each function
that calls it. Kernels here are six calls deep: the innermost loops were compiled six times, five of them for nobody,
which was more than half of the time of a cold start. And what was optimised alone, its loops unrolled, ran slower than
what is optimised once, where it is used.
"""

from __future__ import annotations

from typing import Any

from numba.core.codegen import CPUCodegen, JITCodeLibrary


class _NoEnvironment:
    """A code generator that is not asked to store the environment of a function which has no address."""

    def __init__(self, codegen: CPUCodegen) -> None:
        self._codegen = codegen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._codegen, name)

    def set_env(self, name: str, environment: Any) -> None:
        """Do nothing: the environment serves errors with values, of which kernels raise none."""


class PartLibrary(JITCodeLibrary):
    """A library that is linked into others and never run by itself."""

    @property
    def codegen(self) -> Any:
        """The code generator, as far as a part needs it."""
        return _NoEnvironment(self._codegen)

    def get_pointer_to_function(self, name: str) -> int:
        """Return none."""
        self._ensure_finalized()
        return 0

    def _optimize_final_module(self) -> None:
        """Leave that to the kernel."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True
