"""How the kernels are compiled: which floating-point freedoms, and where the machine code is kept.

Numba's own cache sits beside the source and watches one file. Ours lies in the user's cache folder, so that a
read-only installation works, under a name made from every source file that a kernel can inline: an edit of the
formulas reaches the kernels that contain them.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba import types
from numba.core import config as _config
from numba.core.compiler import Compiler
from numba.extending import overload

from solver.announcing import announce_compiling
from solver.kernel_cache import keep_safely
from solver.part_library import PartLibrary

config: Any = _config  # Numba sets its attributes at run time
F = TypeVar("F", bound=Callable[..., Any])

# What kernels are made of, beside the files of cpu/.
INLINED = ("arithmetic.py", "compiling.py", "kernel_cache.py", "part_library.py", "records.py", "stencil.py")

# Fused multiply-add and no signed zeros: both keep NaN and Inf, which the full "fastmath" would assume away.
FREEDOMS = {"contract", "nsz"}


@cache
def cache_folder() -> Path:
    """Folder of the compiled kernels: pdebridge/<digest of the sources> in NUMBA_CACHE_DIR or the user's cache."""
    digest = hashlib.sha256(numba.__version__.encode())
    here = Path(__file__).parent
    for source in sorted([*(here / name for name in INLINED), *(here / "cpu").glob("*.py")]):
        digest.update(source.read_bytes())
    home = config.CACHE_DIR or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "pdebridge" / digest.hexdigest()[:16]


class _Apart(Compiler):
    """Compiles a function whose array arguments do not overlap: C's `restrict`, which Numba's decorators do not offer.

    For a row of 32 cells the checks at run time cost more than the arithmetic.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.state.flags.noalias = True


class _Part(Compiler):
    """Compiles what only other kernels call: no wrappers for calls from Python, which take a third of the time."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.state.flags.no_cpython_wrapper = True
        self.state.flags.no_cfunc_wrapper = True
        self.state.library = PartLibrary(self.state.targetctx.codegen(), "part")


class _ApartPart(_Apart, _Part):
    """Both."""


def point_function(function: F) -> F:
    """Compile a formula on scalars that kernels inline; it leaves no machine code of its own.

    Products and sums stay apart, but for `solver.arithmetic.multiply_add`: what a formula returns is then the same
    whether a kernel stores it or goes on with it in a register. It has no other freedom either: the compiler for GPUs
    takes any for leave to divide approximately. Left unsaid, a function has the freedoms of the kernel that calls it.
    """
    compiled: Any = numba.njit(forceinline=True, error_model="numpy", fastmath=False, pipeline_class=_Part)(function)
    return cast(F, _for_any_number(compiled))


def in_kernels(function: Callable[..., Any]) -> Callable[[F], F]:
    """Let kernels call, in the place of `function`, the implementation that the decorated one returns for their types.

    It is a part of them: Numba would make machine code of each such function, with a wrapper, that nobody calls.
    """
    options: Any = {"pipeline_class": _Part}
    made: Any = overload(function, jit_options=options)
    return cast(Callable[[F], F], made)


def kernel(
    *, reassociate: bool = False, apart: bool = False, part: bool = False, inline: bool = False
) -> Callable[[F], F]:
    """Compile a traversal: no GIL, no division-by-zero branch (it would stop vectorisation), kept on disk.

    `reassociate` lets the compiler reorder sums, for reductions only: elsewhere the result of a cell must not
    depend on where in a vector it lies. `apart` promises that an array which is written overlaps no other argument.
    A `part` is called by other kernels alone: it has no machine code of its own, so that a call from Python ends the
    process; a test may call its `py_func`. `inline` makes it part of their code, where a call would pass records of a
    hundred words.
    """
    freedoms = FREEDOMS | {"reassoc"} if reassociate else FREEDOMS
    part = part or inline
    pipeline = (_ApartPart if part else _Apart) if apart else (_Part if part else Compiler)

    def decorate(function: F) -> F:
        options: dict[str, Any] = {"forceinline": inline, "pipeline_class": pipeline}
        compiled: Any = numba.njit(nogil=True, error_model="numpy", fastmath=freedoms, **options)(function)
        if not (config.DISABLE_JIT or part):
            _keep_on_disk(compiled)
        return cast(F, _for_any_number(compiled))

    return decorate


def _for_any_number(compiled: Any) -> Any:
    """Let other kernels call one compilation with every whole number.

    Numba compiles anew for each that stands in their text, such as a count of planes.
    """
    if not config.DISABLE_JIT:
        call = compiled.get_call_template

        def call_with_numbers(args: Any, kws: Any) -> Any:
            return call([_number(a) for a in args], {name: _number(a) for name, a in kws.items()})

        compiled.get_call_template = call_with_numbers
    return compiled


def _number(kind: Any) -> Any:
    return types.unliteral(kind) if isinstance(kind, types.IntegerLiteral) else kind


def _keep_on_disk(compiled: Any) -> None:
    """Enable the cache of one kernel, in our folder alone: Numba would fall back to one beside the source."""
    if not _cache_is_writable():
        return
    before = config.CACHE_DIR
    try:
        config.CACHE_DIR = str(cache_folder())
        compiled.enable_caching()
        keep_safely(compiled)
    finally:
        config.CACHE_DIR = before


@cache
def _cache_is_writable() -> bool:
    """Make the cache folder; if that fails, warn once that nothing will be kept."""
    try:
        cache_folder().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache_folder()):
            return True
    except OSError as error:
        warnings.warn(
            f"compiled kernels are not kept, so every process compiles them anew: {error}. "
            "Set NUMBA_CACHE_DIR to a writable folder to keep them.",
            RuntimeWarning,
            stacklevel=2,
        )
        return False


def _where_kept() -> str:
    return f"kept in {cache_folder()}" if _cache_is_writable() else "they are not kept"


announce_compiling(_where_kept)
