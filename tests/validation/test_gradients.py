"""A wrong gradient fails the dot test and the Taylor test."""

import pytest

pytest.importorskip("torch", reason="the layer needs torch")

from validation import gradients
from validation.gradients import INPUTS, dot_test, taylor_test


@pytest.fixture
def wrong_by_one_percent(monkeypatch):
    right = gradients.pulled_back
    monkeypatch.setattr(gradients, "pulled_back", lambda *arguments: 1.01 * right(*arguments))


@pytest.mark.usefixtures("wrong_by_one_percent")
@pytest.mark.parametrize("name", INPUTS)
def test_a_gradient_off_by_one_percent_is_noticed(name):
    assert dot_test(name).difference == pytest.approx(0.01 / 1.01, rel=1e-6)
    first, second = taylor_test(name).slopes
    assert first == pytest.approx(1, abs=0.1)
    assert second < 1.9
