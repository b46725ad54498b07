"""Every case's name, bytes and operations, from its shapes."""

from collections import Counter
from math import prod

import numpy as np
import pytest

from benchmarks import registry, traffic, training, training_cases
from benchmarks.case import SchemeCase
from benchmarks.peers import OURS, PEERS
from benchmarks.problem import CONSTANT_D, LAYER, PER_CHANNEL, SCALAR, START, Problem

SCHEME_CASES = [case for case in registry.cases() if isinstance(case, SchemeCase)]


def test_names_are_unique_and_contenders_known():
    keys = [(case.group, case.name) for case in registry.cases()]
    assert len(set(keys)) == len(keys)
    for case in registry.cases():
        assert case.contenders[0] == OURS
        assert set(case.contenders) <= {OURS, *PEERS}


@pytest.mark.parametrize("case", SCHEME_CASES, ids=lambda case: f"{case.group}-{case.name}")
def test_bytes_are_those_of_the_distinct_arrays(case):
    problem = case.problem
    size = np.dtype(problem.dtype).itemsize
    cells = prod(problem.shape)
    inputs = sum(prod(shape) for shape in problem.shapes.values())
    if problem.is_grid:
        per_cell = {"per cell": 8, "constant": 4}[problem.coefficients]  # numbers are read once
        assert 0 <= case.bytes / problem.steps - per_cell * cells * size <= 4 * size
    else:
        gradients = sum(prod(problem.shapes[name]) for name in problem.wanted)
        backward = inputs + cells + gradients if case.backward else 0
        assert case.bytes == size * (inputs + cells + backward)


@pytest.mark.parametrize(
    ("problem", "forward", "backward"),
    [
        (Problem((2, 3, 8, 8), 5, same=LAYER), 6, 6 + 11),
        (Problem((2, 3, 8, 8), 5), 8, 8 + 15),
    ],
)
def test_words_a_cell_of_the_layer(problem, forward, backward):
    assert traffic.words(problem, backward=False) == forward * problem.cells
    assert traffic.words(problem, backward=True) == backward * problem.cells


@pytest.mark.parametrize(("kind", "planes"), [(PER_CHANNEL, 1), (SCALAR, 1), (CONSTANT_D, 3)])
def test_small_coefficients_are_not_counted_as_planes(kind, planes):
    problem = Problem((2, 3, 8, 8), 5, coefficients=kind, same=LAYER)
    words = traffic.words(problem, backward=False)
    assert words // problem.cells == planes + 1
    assert words % problem.cells <= 4 * 3


def test_operations_grow_by_one_step():
    one, two = (traffic.operations(Problem((8, 8), K), backward=False) for K in (1, 2))
    assert two - one == traffic.STEP * 64


def test_inputs_that_are_one_array_are_drawn_as_one():
    layer, start = Problem((1, 1, 4, 4), 1, same=LAYER).draw(), Problem((4, 4), 1, same=START).draw()
    assert layer.now is layer.old is layer.source
    assert start.now is start.old
    assert start.now is not start.source


def test_choose_by_a_part_and_by_a_pattern():
    assert {case.group for case in registry.choose("solve", figures=False)} == {"solve"}
    (found,) = registry.choose("grid: 1024^2 float32*", figures=False)
    assert found.problem.shape == (1024, 1024)
    assert not registry.choose("no such case", figures=False)
    assert not {case.group for case in registry.choose("", figures=False)} & set(registry.FOR_FIGURES)
    assert registry.choose_tables("memory") == ["memory"]


def test_quick_is_the_main_rows():
    found = registry.choose("", figures=False, main_rows_only=True)
    groups = Counter(case.group for case in found)
    assert groups == {"layer": 5, "grid": 6, "solve": 3, "training": 3, "networks": 4, "evaluation": 9}
    assert {case.problem.shape for case in found if case.group == "grid"} == {(256,) * 2, (1024,) * 2, (4096,) * 2}
    assert all(set(registry.QUICK.peers) & set(case.contenders) for case in found)
    assert set(registry.QUICK.peers) <= set(PEERS)
    assert registry.QUICK.rounds < registry.FULL.rounds


def test_training_cases_are_the_networks():
    assert tuple(training.NETWORKS) == training_cases.NETWORKS
    assert training_cases.BATCH == training.BATCH
    assert {case.name for case in registry.choose("training:", figures=False)} == {
        f"{name}, batch 128" for name in training.NETWORKS
    }


def test_evaluation_reads_and_writes_once():
    case = registry.choose("evaluation: 128x32x16x16 K=5", figures=False)[0]
    assert case.bytes == 2 * 4 * 128 * 32 * 16 * 16
    assert case.updates == 128
