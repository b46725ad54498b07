"""Where the machine code is kept, what happens without such a place, and the kernels as plain Python."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numba
import numpy as np
import pytest

import solver
from solver.compiling import FREEDOMS, point_function

SOURCES = Path(solver.__file__).parent
FOLDER = "from solver.compiling import cache_folder; print(cache_folder())"


@pytest.fixture
def copy_of_the_solver(tmp_path):
    """A copy of the package that a test may edit; put its parent on PYTHONPATH."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(SOURCES, tmp_path / "copy" / "solver", ignore=ignored)
    return tmp_path / "copy"


@pytest.mark.parametrize("edited", ["stencil.py", "cpu/plane.py", "records.py"])
def test_an_edit_of_any_source_changes_the_cache_folder(copy_of_the_solver, edited, run_python):
    place = {"PYTHONPATH": str(copy_of_the_solver), "NUMBA_CACHE_DIR": ""}
    first = run_python(FOLDER, **place)
    assert run_python(FOLDER, **place) == first
    with (copy_of_the_solver / "solver" / edited).open("a") as file:
        file.write("# an edit\n")
    assert run_python(FOLDER, **place) != first


def test_the_cache_follows_the_users_cache_folder(tmp_path, run_python):
    folder = Path(run_python(FOLDER, XDG_CACHE_HOME=str(tmp_path), NUMBA_CACHE_DIR=""))
    assert folder.parent == tmp_path / "pdebridge"


def test_numba_cache_dir_keeps_the_kernels_of_each_source_apart(copy_of_the_solver, tmp_path, run_python):
    """Numba watches one file per kernel: without the digest an edit of stencil.py would run the old formula."""
    place = {"PYTHONPATH": str(copy_of_the_solver), "NUMBA_CACHE_DIR": str(tmp_path / "kernels")}
    first = Path(run_python(FOLDER, **place))
    assert first.is_relative_to(tmp_path / "kernels")
    with (copy_of_the_solver / "solver" / "stencil.py").open("a") as file:
        file.write("# an edit\n")
    assert Path(run_python(FOLDER, **place)) != first


STEP = """
import warnings
import numpy as np

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    from solver import cpu, reference
    from solver.records import Fields, Levels, Mesh

    rng = np.random.default_rng(0)
    a = [rng.uniform(0, 1, SHAPE) for _ in range(9)]
    levels, fields, mesh = Levels(*a[:2]), Fields(*a[2:7]), Mesh(0.2)
    got, want = (b.forward(levels, fields, mesh, 3) for b in (cpu, reference))
    worst = max(abs(g - w).max() for g, w in zip(got, want))
    if ADJOINT:
        got, want = (b.adjoint(Levels(*a[7:]), levels, fields, mesh, 3) for b in (cpu, reference))
        worst = max(worst, *(abs(g - w).max() for g, w in zip(got, want)))
print(worst < 1e-13)
for warning in caught:
    print(warning.category.__name__, warning.message)
"""


def test_without_a_writable_cache_the_kernels_run_and_one_warning_says_so(copy_of_the_solver, run_python):
    nowhere = f"{os.devnull}/nowhere"
    shown = run_python(
        STEP.replace("ADJOINT", "False").replace("SHAPE", "(3, 4)"),
        PYTHONPATH=str(copy_of_the_solver),
        XDG_CACHE_HOME=nowhere,
        HOME=nowhere,
        NUMBA_CACHE_DIR="",
        NUMBA_OPT="0",  # the time to compile is not what is tested
    ).splitlines()
    assert shown[0] == "True"
    assert len(shown) == 2
    assert shown[1].startswith("RuntimeWarning compiled kernels are not kept")
    assert "Set NUMBA_CACHE_DIR to a writable folder" in shown[1]
    # Numba's own fallback, beside the sources, would miss an edit of another file.
    assert not list(copy_of_the_solver.rglob("*.nbi"))


@pytest.mark.parametrize("shape", [(3, 4), (9, 3, 4)], ids=["one plane", "side by side"])
def test_the_kernels_run_as_plain_python(run_python, shape):
    step = STEP.replace("ADJOINT", "True").replace("SHAPE", str(shape))
    assert run_python(step, NUMBA_DISABLE_JIT="1") == "True"


ANNOUNCED = """
import contextlib, io, numpy as np
from solver.cpu.fingerprint import fingerprint
from solver.cpu.scan import all_finite
stderr = io.StringIO()
with contextlib.redirect_stderr(stderr):
    all_finite(np.ones(9))
    fingerprint(np.ones(9))
print(stderr.getvalue(), end="")
"""


def test_one_line_says_that_kernels_are_compiled_and_none_that_they_are_not(tmp_path, run_python):
    first = run_python(ANNOUNCED, NUMBA_CACHE_DIR=str(tmp_path)).splitlines()
    assert len(first) == 1
    assert first[0].startswith("pdebridge: compiling kernels for this processor")
    assert str(tmp_path) in first[0]
    assert run_python(ANNOUNCED, NUMBA_CACHE_DIR=str(tmp_path)) == ""


SAVE = """
from solver.cpu import bands

bands.sweep_bands._cache._cache_file.save((("array", DTYPE), "processor", "code"), DTYPE)
print("done")
"""

READ = """
from solver.cpu import bands

file = bands.sweep_bands._cache._cache_file
for name in ("float32", "float64"):
    found = file.load((("array", name), "processor", "code"))
    assert found in (None, name), (name, found)
print("done")
"""


def test_compilations_of_two_processes_are_not_mistaken_for_each_other(run_python, tmp_path):
    # Both begin with an empty index, as two workers do that are started together; the second one's index wins.
    folder = {"NUMBA_CACHE_DIR": str(tmp_path)}
    for index, dtype in enumerate(("float32", "float64")):
        assert run_python(SAVE.replace("DTYPE", repr(dtype)), **folder) == "done"
        if index == 0:
            for path in tmp_path.rglob("*.nbi"):
                path.unlink()
    assert run_python(READ, **folder) == "done"
    files = {path.name for path in tmp_path.rglob("*sweep_bands*.nbc")}
    assert len(files) == 2, files


MEET = """
import time
from pathlib import Path

import numpy as np
from numba.core import event
from solver.cpu.scan import all_finite, scan_parts

here, first, second = Path(HERE), Path(FOLDER) / "first", Path(FOLDER) / "second"
compiled = 0


def meet(mine, other):
    mine.touch()
    for _ in range(600):
        if other.exists():
            return
        time.sleep(0.1)
    raise RuntimeError(f"{other} was not made")


class Listener(event.Listener):
    def on_start(self, event):
        global compiled
        if event.data["dispatcher"] is scan_parts:
            compiled += 1
            if here == first:
                meet(first, second)

    def on_end(self, event):
        pass


event.register("numba:compile", Listener())
if here == second:
    meet(second, first)
assert all_finite(np.ones(9))
print(compiled)
"""


def test_what_one_process_compiles_the_other_waits_for(run_python, tmp_path):
    """The second one calls the kernel while the first compiles it."""

    def run(name):
        code = MEET.replace("HERE", repr(str(tmp_path / name))).replace("FOLDER", repr(str(tmp_path)))
        return run_python(code, NUMBA_CACHE_DIR=str(tmp_path))

    with ThreadPoolExecutor(2) as both:
        assert list(both.map(run, ("first", "second"))) == ["1", "0"]


UNLOCKED = """
import numpy as np
import solver.kernel_cache as kept
from filelock import FileLock
from solver.cpu.fingerprint import fingerprint
from solver.cpu.scan import all_finite

alone, held = kept._alone, []
kept.LONGEST = 0.1


def hold(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    held.append(FileLock(path))
    held[-1].acquire()
    return alone(path)


def obstruct(path):
    path.mkdir(parents=True)
    return alone(path)


def refuse(path):
    class Lock(FileLock):
        def acquire(self, *arguments, **named):
            raise NotImplementedError("this file system has no locks")

    kept.FileLock = Lock
    return alone(path)


kept._alone = hold
assert all_finite(np.ones(9))
assert len(held) == 1
kept._alone = obstruct
assert len(fingerprint(np.ones(9)))
kept._alone = refuse
assert all_finite(np.ones(9, np.float32))
print("done")
"""


def test_a_kernel_whose_lock_cannot_be_had_is_compiled_all_the_same(run_python, tmp_path):
    """Because a process that holds it was stopped, its file cannot be made, or the file system has no locks."""
    assert run_python(UNLOCKED, NUMBA_CACHE_DIR=str(tmp_path)) == "done"
    assert len(list(tmp_path.rglob("*.nbc"))) == 3


@point_function
def difference_of_products(a, b, c, d):
    """Return a b - c d; contracted it would not be zero, as the product is rounded."""
    return a * b - c * d


def test_a_formula_has_no_freedoms_of_the_kernel_that_calls_it():
    @numba.njit(fastmath=FREEDOMS)
    def in_a_kernel(a, b, c, d):
        return difference_of_products(a, b, c, d)

    @numba.njit(fastmath=FREEDOMS)
    def contracted(a, b, c, d):
        return a * b - c * d

    a = np.float32(1) + np.float32(2) ** -12
    numbers = a, a, a * a, np.float32(1)
    assert in_a_kernel(*numbers) == 0
    if "fma" in numba.core.codegen.get_host_cpu_features():
        assert contracted(*numbers) != 0


COLLECTED = """
import gc
import numpy as np
from numba.core import event
from solver.cpu.scan import all_finite

seen = []


class Look(event.Listener):
    def on_start(self, event):
        seen.append(gc.isenabled())

    def on_end(self, event):
        seen.append(gc.isenabled())


event.register("numba:compile", Look())
for kind, enabled in ((np.float32, True), (np.float64, False)):
    (gc.enable if enabled else gc.disable)()
    assert all_finite(np.ones(9, kind))
    assert gc.isenabled() is enabled
assert len(seen) > 4
assert not any(seen)
print("done")
"""


def test_garbage_is_not_collected_while_a_kernel_is_compiled(run_python, tmp_path):
    assert run_python(COLLECTED, NUMBA_CACHE_DIR=str(tmp_path)) == "done"
