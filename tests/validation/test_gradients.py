"""A wrong gradient fails gradcheck, the dot test, the Taylor test, and the comparison with plain torch."""

import pytest

pytest.importorskip("torch", reason="the layer needs torch")

from solver import cpu
from solver.records import Inputs
from validation import gradients
from validation.gradients import Case, cases, dot_tests, gradcheck, pulled_back, random_inputs, taylor_tests
from validation.variants import BOUNDARIES, Variant

FILTERED = Case(Variant("skew", "flux", "mixed"), filtered=True)
PERIODIC = Case(Variant("product", "laplacian", "periodic"), filtered=False)


@pytest.fixture
def wrong_by_one_percent(monkeypatch):
    """The kernel's adjoint, one gradient of which is wrong."""

    def spoil(name):
        right = cpu.adjoint

        def adjoint(*arguments):
            found = right(*arguments)
            at = {"h": "now", "h_prev": "old", "wall": "source"}.get(name, name)
            return found._replace(**{at: 1.01 * getattr(found, at)})

        monkeypatch.setattr(cpu, "adjoint", adjoint)

    return spoil


@pytest.mark.parametrize("name", FILTERED.inputs)
def test_a_gradient_off_by_one_percent_is_noticed_by_every_test(name, wrong_by_one_percent):
    wrong_by_one_percent(name)
    assert not gradcheck(FILTERED)
    (dot,) = (test for test in dot_tests(FILTERED) if test.name == name)
    # A wall's value reaches the result through H[0] and H[-1] too, which are right.
    assert dot.difference == pytest.approx(0.01 / 1.01, rel=0.1 if name == "wall" else 1e-6)
    (taylor,) = (test for test in taylor_tests(FILTERED) if test.name == name)
    first, second = taylor.slopes
    assert first == pytest.approx(1, abs=0.1)
    assert second < 1.9
    assert gradients.twin_difference(FILTERED) > 1e-3


@pytest.mark.parametrize("name", ["advection", "diffusion", "boundary"])
def test_the_adjoint_of_another_variant_is_noticed(name, monkeypatch):
    right = cpu.adjoint
    others = {"advection": "product", "diffusion": "laplacian", "boundary": ("no-flux",) * 4}

    def adjoint(cotangent, levels, fields, mesh, *rest):
        return right(cotangent, levels, fields, mesh._replace(**{name: others[name]}), *rest)

    monkeypatch.setattr(cpu, "adjoint", adjoint)
    assert max(test.difference for test in dot_tests(FILTERED)) > 1e-3
    assert not gradcheck(FILTERED)


def test_an_adjoint_that_forgets_the_filter_is_noticed(monkeypatch):
    right = cpu.adjoint

    def adjoint(cotangent, levels, fields, mesh, *rest):
        return right(cotangent, levels, fields, mesh._replace(raw=mesh.raw._replace(nu=0.0)), *rest)

    monkeypatch.setattr(cpu, "adjoint", adjoint)
    assert max(test.difference for test in dot_tests(FILTERED)) > 1e-3


def test_all_cases_are_every_form_and_boundary_with_and_without_filter():
    everything = cases(full=True)
    assert len(set(everything)) == len(everything) == 3 * 2 * 4 * 2


def test_the_quick_cases_have_every_form_every_boundary_and_the_filter_on_and_off():
    quick = cases(full=False)
    assert {case.variant[:2] for case in quick} == {case.variant[:2] for case in cases(full=True)}
    assert {case.variant.boundary for case in quick} == set(BOUNDARIES)
    assert {case.filtered for case in quick} == {True, False}


def test_a_wall_has_a_gradient_where_it_holds_H_and_is_no_input_elsewhere():
    assert PERIODIC.inputs == gradients.FIELDS
    assert len(PERIODIC.inputs) == len(Inputs._fields)
    inputs = random_inputs()
    gradient = pulled_back(FILTERED, inputs, inputs["u"])["wall"]
    rows, columns = gradients.SHAPE[-2:]
    north, south, west, east = gradient.split((columns, columns, rows, rows))
    assert north.abs().min() > 0
    assert east[1:].abs().min() > 0  # north has the corner
    assert not south.any()
    assert not west.any()
