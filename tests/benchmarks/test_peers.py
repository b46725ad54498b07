"""Each cheap peer computes the scheme: held against the float64 reference on tiny problems."""

from functools import partial

import numpy as np
import pytest
import torch

from benchmarks import evaluation, peers, training
from benchmarks.peers import torch_layer
from benchmarks.peers.torch_eager import advance
from benchmarks.problem import CONSTANT, CONSTANT_D, LAYER, PER_CELL, PER_CHANNEL, SCALAR, START, Problem, distance

ROUNDING = 1e-5  # of float32, with sums over a batch of a hundred cells
PLANES, GRID = (3, 2, 7, 5), (9, 8)


def error(name, problem, backward=False):
    module = peers.load(name)
    prepared = module.backward(problem) if backward else module.forward(problem)
    found = tuple(problem.sample(array) for array in prepared.arrays(prepared.run()))
    again = tuple(problem.sample(array) for array in prepared.arrays(prepared.run()))
    exact = problem.reference(backward)
    assert all(np.array_equal(a, b) for a, b in zip(found, again, strict=True)), "a run changed its own inputs"
    return distance(found, exact)


@pytest.mark.parametrize("name", ["pdebridge", "one thread", "numpy", "torch"])
def test_a_grid(name):
    assert error(name, Problem(GRID, 6, "float64")) < 1e-14


@pytest.mark.parametrize("name", ["pdebridge", "torch"])
def test_a_grid_with_constants(name):
    assert error(name, Problem(GRID, 6, "float64", CONSTANT)) < 1e-14


def test_the_whole_solve():
    assert error("solve", Problem(GRID, 6, "float64", same=START)) < 1e-14


@pytest.mark.parametrize("name", ["pdebridge", "numpy", "torch"])
def test_planes(name):
    assert error(name, Problem(PLANES, 5, same=LAYER)) < ROUNDING


@pytest.mark.parametrize("name", ["pdebridge", "torch"])
@pytest.mark.parametrize("kind", [PER_CELL, PER_CHANNEL, SCALAR, CONSTANT_D])
@pytest.mark.parametrize("same", [LAYER, ()])
def test_gradients(name, kind, same):
    assert error(name, Problem(PLANES, 3, "float64", kind, same), backward=True) < 1e-13


@pytest.mark.parametrize("boundary", ["no-flux", "Dirichlet"])
def test_other_boundaries(boundary):
    assert error("pdebridge", Problem(GRID, 6, "float64", boundary=boundary)) < 1e-14


def test_jax():
    pytest.importorskip("jax", reason="JAX, a peer of the extra `bench`, is absent")
    assert error("jax", Problem(GRID, 6, "float64")) < 1e-14
    assert error("jax", Problem(PLANES, 2, same=LAYER), backward=True) < ROUNDING


def test_devito():
    pytest.importorskip("devito", reason="Devito, a peer of the extra `bench`, is absent")
    assert error("devito", Problem(GRID, 6, "float64")) < 1e-14


def test_py_pde():
    pytest.importorskip("pde", reason="py-pde, a peer of the extra `bench`, is absent")
    problem = Problem(GRID, 6, "float64")
    prepared = peers.load("py-pde").forward(problem)
    assert distance(prepared.arrays(prepared.run()), prepared.exact()) < 1e-13


@pytest.mark.parametrize("steps", [1, 8, 19])
def test_a_compiled_grid_makes_its_steps_in_parts(steps):
    compiled = peers.load("torch.compile")
    problem, made = Problem(GRID, steps, "float64"), []

    def graph(*inputs, steps):
        made.append(steps)
        return advance(*inputs, steps=steps)

    found = compiled.in_parts(graph, *torch_layer.tensors(problem, backward=False), steps=steps).numpy()
    assert made == {1: [1], 8: [8], 19: [8, 8, 3]}[steps]
    assert distance((found,), problem.reference(backward=False)) < 1e-14


def test_torch_compiles_every_case_of_a_long_run(monkeypatch):
    graphs = []

    def compile_without_code(function, **_):
        return torch_compile(function, dynamic=False, backend=lambda graph, _: graphs.append(graph) or graph)

    torch_compile = torch.compile
    monkeypatch.setattr(torch, "compile", compile_without_code)
    compiled = peers.load("torch.compile")
    for columns in range(4, 16):  # beyond eight torch would run them eagerly
        compiled.forward(Problem((1, 1, 4, columns), 1)).run()
    assert len(graphs) == 12


def test_a_patch_of_a_large_grid_is_what_the_whole_reference_holds_there(monkeypatch):
    problem = Problem((40, 36), 4, "float64")
    (whole,) = problem.reference(backward=False)
    monkeypatch.setattr("benchmarks.problem.LARGE", 0)
    monkeypatch.setattr("benchmarks.problem.SAMPLE", 3)
    (patch,) = problem.reference(backward=False)
    assert patch.shape == (6, 6)
    np.testing.assert_allclose(patch, problem.sample(whole), rtol=0, atol=1e-15)


def test_py_pde_is_held_against_a_patch_of_a_large_grid(monkeypatch):
    pytest.importorskip("pde", reason="py-pde, a peer of the extra `bench`, is absent")
    euler = peers.load("py-pde").euler
    problem = Problem((40, 36), 4, "float32")
    whole = problem.exact(partial(euler, problem))
    monkeypatch.setattr("benchmarks.problem.LARGE", 0)
    monkeypatch.setattr("benchmarks.problem.SAMPLE", 3)
    patch = problem.exact(partial(euler, problem))
    assert patch.shape == (6, 6)
    np.testing.assert_allclose(patch, problem.sample(whole), rtol=0, atol=1e-15)


def test_a_wrong_result_has_a_large_error():
    exact = (np.ones((4, 4)),)
    assert distance((np.full((4, 4), 1.25),), exact) == pytest.approx(0.25)
    assert distance((np.full((4, 4), np.nan),), exact) == float("inf")


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("name", ["pdebridge", "parts", "torch"])
def test_evaluation(name, channels_last):
    prepared = evaluation.prepare((2, 16, 7, 5), 2, name, channels_last)
    assert distance(prepared.arrays(prepared.run()), prepared.exact()) < ROUNDING


def test_the_parts_of_a_layer_are_not_its_one_pass(monkeypatch):
    monkeypatch.setattr("nnbridge.fused.evaluate", lambda *_: pytest.fail("the one pass was taken"))
    evaluation.prepare((2, 3, 7, 5), 2, "parts").run()
    with pytest.raises(pytest.fail.Exception, match="one pass"):
        evaluation.prepare((2, 3, 7, 5), 2, "pdebridge").run()


@pytest.mark.parametrize("network", training.NETWORKS)
@pytest.mark.parametrize("name", ["pdebridge", "torch"])
def test_training_has_the_gradients_of_float64(network, name):
    prepared = training.prepare(network, name)
    assert distance(prepared.arrays(prepared.run()), prepared.exact()) < 1e-3
