"""The yardstick's kernels compute what they are named after, with both kinds of stores."""

import numpy as np
import pytest

from benchmarks import stream
from solver.cpu.sharing import Span

LINES = 5


@pytest.fixture
def arrays(rng):
    made = stream.Stream(words=stream.LANES * LINES)
    made.source[:], made.second[:] = rng.random((2, made.source.size))
    made.target[:] = np.nan
    return made


@pytest.mark.parametrize("kernel", [stream._copy, stream._copy_past])
def test_copy(arrays, kernel):
    kernel(arrays.target, arrays.source, Span(0, LINES))
    np.testing.assert_array_equal(arrays.target, arrays.source)


@pytest.mark.parametrize("kernel", [stream._triad, stream._triad_past])
def test_triad(arrays, kernel):
    kernel(arrays.target, arrays.source, arrays.second, 3.0, Span(0, LINES))
    np.testing.assert_allclose(arrays.target, arrays.source + 3.0 * arrays.second, rtol=1e-15)


def test_lines_outside_the_part_are_left_alone(arrays):
    stream._copy_past(arrays.target, arrays.source, Span(1, 2))
    assert np.isfinite(arrays.target).sum() == stream.LANES


def test_arrays_begin_at_a_line(arrays):
    for array in (arrays.target, arrays.source, arrays.second):
        assert array.ctypes.data % stream.LINE == 0
    assert min(arrays.measure()) > 0
