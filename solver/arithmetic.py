"""The one operation that the formulas do not leave to the compiler: multiply and add, in one rounding.

Left free to contract a product and a sum, LLVM decides by the surroundings: a step made in one loop with its
coefficients then rounds otherwise than one that reads them from memory, and a run of K steps otherwise than K runs of
one. `llvm.fmuladd` is fused wherever the processor has the instruction, and nowhere else.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from solver.compiling import in_kernels


def multiply_add(a: Any, b: Any, c: Any) -> Any:
    """Return a b + c."""
    return a * b + c


@intrinsic
def _fmuladd(typing_context, a, b, c):  # type: ignore[no-untyped-def]
    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        kind = arguments[0].type
        of_three = ir.FunctionType(kind, [kind] * 3)
        return builder.call(builder.module.declare_intrinsic("llvm.fmuladd", [kind], of_three), arguments)

    return a(a, b, c), generate


@in_kernels(multiply_add)
def _compiled_multiply_add(a, b, c):  # type: ignore[no-untyped-def]
    if not (isinstance(a, types.Float) and a == b == c):
        return None

    def implementation(a, b, c):  # type: ignore[no-untyped-def]
        return _fmuladd(a, b, c)  # type: ignore[call-arg]

    return implementation
