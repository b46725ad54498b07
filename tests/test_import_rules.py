"""Who may import whom: `import solver` is light, and the layers point one way."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOADED = "import sys; import {package}; print(*(name for name in {names!r} if name in sys.modules))"


def loaded(run_python, package, names):
    return run_python(LOADED.format(package=package, names=names)).split()


HEAVY = ("torch", "matplotlib", "rich", "typer", "numba.cuda", "numba_cuda", "nnbridge", "validation")


@pytest.mark.parametrize(
    ("package", "absent"),
    [("solver", (*HEAVY, "scipy")), ("solver.cpu", HEAVY)],  # Numba itself loads scipy, where it is installed
)
def test_the_solver_loads_numpy_and_numba_only(package, absent, run_python):
    assert loaded(run_python, package, absent) == []


def test_the_bridge_loads_neither_validation_nor_training_tools(run_python):
    assert loaded(run_python, "nnbridge", ("validation", "lightning_fabric", "pytorch_lightning", "matplotlib")) == []


def test_validation_loads_torch_only_when_it_checks_gradients(run_python):
    assert loaded(run_python, "validation", ("torch", "nnbridge")) == []


def test_the_contracts_of_the_layers_hold():
    if importlib.util.find_spec("importlinter") is None:
        pytest.skip("import-linter is not installed: pip install 'pdebridge[dev]'")
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
