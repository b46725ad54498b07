"""Figures drawn in the other process are those that this one would draw."""

import matplotlib as mpl
import pytest

from solver.report import render
from validation.rendering import Renderer
from validation.running import Outcome
from validation.study import Picture, Study, StudyResult


def figure_of(values):
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(3.0, 2.0))
    ax.plot(values)
    return figure


def outcome_with(name, figure):
    result = StudyResult(pictures=[Picture(name, figure, "a line")])
    return Outcome(Study("one", "One", "", lambda work: result), result, 0.0)


def test_a_figure_is_drawn_elsewhere_as_it_is_here():
    with Renderer() as renderer:
        renderer.begin(outcome_with("rising", figure_of([0, 1, 2])))
        renderer.begin(outcome_with("falling", figure_of([2, 1, 0])))
        drawn = renderer.drawn()
    assert set(drawn) == {"rising", "falling"}
    assert drawn["rising"] == render(figure_of([0, 1, 2]))
    assert drawn["rising"].data != drawn["falling"].data
    assert (drawn["rising"].width, drawn["rising"].height) == (288, 192)


def test_a_figure_that_cannot_be_drawn_raises_its_error():
    figure = figure_of([1, 2])
    figure.axes[0].set_title(r"$\unknown{$")
    with Renderer() as renderer:
        renderer.begin(outcome_with("wrong", figure))
        with pytest.raises(ValueError, match="unknown"):
            renderer.drawn()
