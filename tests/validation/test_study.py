"""A study tells how far it is, through loops that follow one another, are nested, or are left early."""

import pytest

from validation.study import Work


@pytest.fixture
def told():
    return []


@pytest.fixture
def work(told):
    return Work(progress=told.append)


def test_a_study_is_quick_unless_it_is_asked_to_be_full():
    assert not Work().full
    assert Work(full=True).full


def test_a_loop_yields_every_item_and_tells_the_fraction_after_each(work, told):
    assert list(work.each("abcd")) == ["a", "b", "c", "d"]
    assert told == pytest.approx([0.25, 0.5, 0.75, 1.0])


def test_an_inner_loop_is_a_part_of_the_item_of_the_outer_one(work, told):
    for _ in work.each(range(2)):
        for _ in work.each(range(3)):
            pass
    assert told == pytest.approx([1 / 6, 1 / 3, 1 / 2, 1 / 2, 2 / 3, 5 / 6, 1, 1])


def test_loops_one_after_another_share_the_study(work, told):
    list(work.each(range(2), share=0.4))
    list(work.each(range(3)))
    assert told == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])


def test_a_loop_that_is_left_early_counts_as_done(work, told):
    for _ in work.each(range(10), share=0.5):
        break
    list(work.each(range(2)))
    assert told == pytest.approx([0.75, 1.0])


def test_a_loop_over_nothing_tells_nothing(work, told):
    assert list(work.each(())) == []
    assert told == []
