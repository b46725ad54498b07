"""How wide the vectors are that a kernel computes in, and how many of them a processor holds."""

from __future__ import annotations

from typing import Final

from numba import types
from numba.core.registry import cpu_target
from numba.extending import intrinsic, overload


def vectors_of(triple: str, listed: str) -> tuple[int, int]:
    """Return how many bytes a vector has and how many vectors there are, from LLVM's triple and list of features."""
    features = listed.split(",")
    if "+avx512vl" in features:
        return 64, 32
    if triple.startswith(("x86", "i686")):
        return 32 if "+avx" in features else 16, 16
    return 16, 32  # ARM and POWER


# Of the processor that kernels are compiled for. What is compiled for one is not taken for another: Numba's cache knows
# triple and features.
_TRIPLE, _, _FEATURES = cpu_target.target_context.codegen().magic_tuple()
BYTES: Final = vectors_of(_TRIPLE, _FEATURES)[0]
# Where there are few, a loop that needs more keeps the rest in memory, and loads or stores each of them every turn.
MANY_REGISTERS: Final = vectors_of(_TRIPLE, _FEATURES)[1] >= 32


def take_widest():
    """Let the calling kernel use vectors as wide as the processor has them.

    LLVM halves them on Intel's processors, whose first generation with 512 bits lowered its clock for them. A row of 32
    float32 is then four turns of a loop instead of two, and a sweep is bound by its loads: three of 256 bits a cycle,
    two of 512. A kernel that asks for this stays a function of its own, unless it is inline: what counts is
    the function that an inline one becomes part of.
    """


@intrinsic
def _prefer_widest(typing_context):
    def generate(context, builder, signature, arguments):
        # A string attribute: llvmlite's own `add` knows the others alone.
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        if "alwaysinline" not in builder.function.attributes:
            builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.void(), generate


@overload(take_widest, inline="always")
def _compiled_take_widest():
    def implementation():
        _prefer_widest()  # type: ignore[call-arg]

    return implementation
