"""Seeded inputs, rounding-scaled comparison, and fresh interpreters, for every test."""

import os
import subprocess
import sys
from pathlib import Path

# Two workers of pytest-xdist with two threads each on two cores waited for each other: the suite took half as long
# again. Whatever is said of several threads sets their number.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}

import numba
import numpy as np
import pytest
from hypothesis import settings
from numba.core.registry import CPUDispatcher

import solver
from solver.records import Fields, Inputs, Levels

SOURCES = str(Path(solver.__file__).parents[1])  # what a fresh interpreter imports, installed or not

# Kernels compile on first use, so a time limit for one example would measure the compiler. In CI every run draws the
# same examples: a red build is then a change of the code. A thorough run, some minutes:
#     HYPOTHESIS_PROFILE=thorough python -m pytest -n 2 tests/properties
settings.register_profile("local", deadline=None, max_examples=25)
settings.register_profile("ci", deadline=None, max_examples=25, derandomize=True)
settings.register_profile("thorough", deadline=None, max_examples=500, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "local"))


@pytest.fixture(autouse=True)
def _close_figures():
    """Close what a test has drawn: figures stay open in a worker, and the next test of figures would meet them."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture
def rng():
    return np.random.default_rng(1953)


@pytest.fixture
def make_inputs(rng):
    """Random inputs of the scheme; the shape of each is `shape`, or its own in `shapes` (by name)."""

    def make(shape, dtype=np.float64, **shapes):
        def draw(name):
            size = shapes.get(name, shape)
            if name in ("Dx", "Dy"):
                return rng.uniform(0.0, 1.0, size)
            return rng.uniform(-1.0, 1.0, size)

        return Inputs(*(np.asarray(draw(name)).astype(dtype) for name in Inputs._fields))

    return make


@pytest.fixture
def split():
    """Separate the seven inputs into what a backend takes: the two levels and the five fields."""

    def make(inputs):
        return Levels(inputs.now, inputs.old), Fields(inputs.u, inputs.v, inputs.Dx, inputs.Dy, inputs.source)

    return make


@pytest.fixture
def assert_rounding_close():
    """Compare with a float64 oracle.

    A cell takes about sixteen roundings a step, each of a number no larger than the largest in play, and the scheme
    does not amplify them here; a gradient of a broadcast input adds the roundings of the `summed` terms of its sum.
    """

    def check(actual, expected, steps, summed=1):
        assert actual.shape == expected.shape
        largest = float(np.max(np.abs(expected), initial=1.0))
        limit = 16 * float(np.finfo(actual.dtype).eps) * (steps + 1) * summed * largest
        np.testing.assert_allclose(actual, expected, rtol=0, atol=limit)

    return check


@pytest.fixture
def set_threads(monkeypatch):
    """Set how many threads the kernels use by default, for one test."""
    return lambda count: monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", count)


@pytest.fixture
def count_kernels():
    """Count the compiled versions of all CPU kernels: a new one costs seconds, so none may appear unasked."""

    def count():
        modules = [m for name, m in sys.modules.items() if name.startswith("solver.cpu")]
        found = {id(d): d for m in modules for d in vars(m).values() if isinstance(d, CPUDispatcher)}
        return sum(len(d.signatures) for d in found.values())

    return count


@pytest.fixture
def run_python():
    """Run code in a fresh interpreter and return what it printed; its stderr is shown if it fails."""

    def run(code, timeout=120, **environment):
        done = subprocess.run(
            [sys.executable, "-P", "-c", code],  # -P: what PYTHONPATH names comes before the folder we are in
            env=os.environ | {"PYTHONPATH": SOURCES} | environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    return run
