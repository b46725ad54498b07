"""Finite or not is told from the sum, without a false alarm and without a miss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from solver.finite import all_finite


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
