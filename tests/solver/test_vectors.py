"""What is chosen by the processor's vectors, and that both choices are the same sums."""

import pytest

from solver.cpu.vectors import vectors_of

LINUX, ARM = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"


@pytest.mark.parametrize(
    ("triple", "features", "expected"),
    [
        (LINUX, "+sse2,+avx,+avx2,+avx512f,+avx512vl,+fma", (64, 32)),
        (LINUX, "+sse2,+avx,+avx2,-avx512f,-avx512vl,+fma", (32, 16)),
        (LINUX, "+sse2,-avx,-avx2,-avx512f,-avx512vl", (16, 16)),
        (LINUX, "", (16, 16)),
        ("i686-pc-windows-msvc", "+sse2,+avx", (32, 16)),
        (ARM, "+neon,+fp-armv8", (16, 32)),
    ],
)
def test_vectors_of_processors(triple, features, expected):
    assert vectors_of(triple, features) == expected


PAIRS = """
import numpy as np
from solver.cpu import convolution, convolution_adjoint
from solver.cpu.pointers import pointer
from solver.cpu.rows import Around

rng = np.random.default_rng(0)
S, n, at, zero = 7, 35, 9, np.float64(0)
x, g = (pointer(rng.standard_normal(n + 20), 0) for _ in range(2))
weights, shifts = pointer(rng.standard_normal(36), 0), pointer(rng.standard_normal(4), 0)
around = Around(at, at - S, at + S)
w = [convolution.filter_of(weights, field) for field in (2, 3)]


def made(size, make):
    return np.concatenate([make(pointer(out, 0)) or out for out in [np.ones(size)]])


both, alone = (
    made(2 * n, lambda to: pair(to, 0, to, n, x, around, weights, shifts, 2, n, zero))
    for pair in (convolution._at_once, convolution._in_turn)
)
assert np.array_equal(both, alone) and len(set(both)) > n

both, alone = (
    made(20, lambda to: taps(to, 1, 11, at, at - 3, g, x, around, n, zero))
    for taps in (convolution_adjoint._taps_at_once, convolution_adjoint._taps_in_turn)
)
assert np.array_equal(both, alone) and len(set(both)) == 19

both, alone = (
    made(n, lambda to: pull(to, 0, g, around, Around(at + 1, at - 6, at + 8), *w, n))
    for pull in (convolution_adjoint._pull_at_once, convolution_adjoint._pull_in_turn)
)
assert np.array_equal(both, alone) and len(set(both)) == n
print("done")
"""


def test_two_fields_at_a_time_are_one_and_then_the_other(run_python):
    """In plain Python: of a compiled pair a processor has but one."""
    assert run_python(PAIRS, NUMBA_DISABLE_JIT="1") == "done"
