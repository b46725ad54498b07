"""The measures of rounding measure rounding."""

import numpy as np
import pytest

import validation.precision as precision
from solver import cpu
from validation.precision import Drift, cases, drifts, initial, threads_agree, total_errors


def test_the_power_of_a_random_walk_is_one_half():
    steps = (10, 100, 1000)
    assert Drift("", "", "", steps, tuple(1e-7 * np.sqrt(steps))).power == pytest.approx(0.5)


def test_float64_kernels_are_nearer_to_the_truth_than_float32():
    case = cases()[0]
    found = {(d.backend, d.dtype): d.distance for d in drifts(case, (10, 40))}
    assert set(found) == {("cpu", "float64"), ("numpy", "float32"), ("cpu", "float32")}
    assert max(found["cpu", "float64"]) < 1e-14
    assert 1e-8 < found["cpu", "float32"][0] < 1e-6


def test_a_wrong_kernel_is_not_taken_for_rounding(monkeypatch):
    case = cases()[1]

    def biased(levels, fields, mesh, steps):
        return cpu.forward(levels, fields._replace(u=fields.u * 1.001), mesh, steps)

    monkeypatch.setattr(precision.backends, "get", lambda name: BACKENDS[name])
    BACKENDS = {"numpy": cpu, "cpu": type("Biased", (), {"forward": staticmethod(biased)})}
    found = {(d.backend, d.dtype): d.distance for d in drifts(case, (10, 40))}
    assert max(found["cpu", "float64"]) > 1e-6


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_the_cases_stay_bounded_by_their_start_and_source(case):
    (last,) = precision._levels_at(case, "cpu", np.float64, (2000,))
    assert np.abs(last).max() < 5 * np.abs(initial()).max() + 2000 * case.dt


def test_threads_that_disagree_are_seen(monkeypatch):
    def forward(levels, fields, mesh, steps, team):
        return replace_now(cpu.forward(levels, fields, mesh, steps, team), team.size)

    def replace_now(levels, size):
        return levels._replace(now=levels.now + np.float32(1e-6) * (size == 3))

    monkeypatch.setattr(precision, "cpu", type("Racy", (), {"forward": staticmethod(forward)}))
    assert not threads_agree(steps=3)


def test_the_error_of_the_time_stepping_falls_at_order_two():
    coarse, fine = total_errors(np.float64, (64, 128))
    assert np.log2(coarse / fine) == pytest.approx(2, abs=0.15)
