"""Finite or not is told from the sum, without a false alarm and without a miss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from solver.finite import MANY, all_finite, copy_into


@given(arrays(st.sampled_from([np.float32, np.float64]), array_shapes(max_dims=3), elements={"allow_subnormal": False}))
def test_the_answer_is_that_of_numpy(values):
    assert all_finite(values) == bool(np.isfinite(values).all())


@pytest.mark.parametrize("bad", [[np.inf, -np.inf], [np.nan], [-np.inf]])
def test_infinities_of_both_signs_do_not_cancel(bad):
    values = np.ones(1000)
    values[: len(bad)] = bad
    assert not all_finite(values)


def test_a_sum_that_overflows_is_no_alarm():
    assert all_finite(np.full(8, np.finfo(np.float64).max))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan, -np.nan])
def test_one_value_among_many(bad, dtype, threads, set_threads, rng):
    set_threads(threads)
    values = rng.standard_normal(5 * MANY + 3).astype(dtype)
    values[7], values[8], values[9] = np.finfo(dtype).max, np.finfo(dtype).min, np.finfo(dtype).smallest_subnormal
    values.flags.writeable = False
    assert all_finite(values)
    for place in (0, 511, 512, values.size // 2, values.size - 1):
        other = values.copy()
        other[place] = bad
        assert not all_finite(other)
        copied = np.empty_like(other)
        assert not copy_into(copied, other)
        np.testing.assert_array_equal(copied, other)


@pytest.mark.parametrize("shape", [(), (3,), (MANY,), (300, 401)])
def test_a_copy_is_the_same_bits(shape, rng):
    values = rng.standard_normal(shape)
    copied = np.empty_like(values)
    assert copy_into(copied, values)
    np.testing.assert_array_equal(copied, values)


def test_a_copy_spreads_over_a_batch(rng):
    values = rng.standard_normal((200, 200))
    copied = np.empty((3, 200, 200))
    assert copy_into(copied, values)
    np.testing.assert_array_equal(copied, np.broadcast_to(values, copied.shape))
