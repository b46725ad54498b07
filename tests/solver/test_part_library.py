"""The code of what only other kernels call: it overrides private methods of Numba's own library."""

from unittest import mock

import pytest
from numba import types
from numba.core.codegen import CodeLibrary, CPUCodeLibrary, JITCodeLibrary

from solver import compiling
from solver.compiling import in_kernels, kernel
from solver.part_library import PartLibrary


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    """A kernel that an earlier run has kept would be loaded, and nothing of it compiled."""
    monkeypatch.setattr(compiling, "_keep_on_disk", lambda compiled: None)


def test_numba_still_calls_what_is_overridden():
    for name in ("get_pointer_to_function", "_optimize_final_module", "_finalize_final_module"):
        assert name in vars(PartLibrary)
        assert any(name in vars(library) for library in (JITCodeLibrary, CPUCodeLibrary))
    assert isinstance(vars(CodeLibrary)["codegen"], property)
    for name in ("_finalize_dynamic_globals", "_verify_declare_only_symbols"):
        assert name in vars(CPUCodeLibrary)


def test_a_part_has_no_machine_code_and_its_kernel_has():
    @kernel(part=True)
    def doubled(x):
        return x + x

    @kernel()
    def fourfold(x):
        return doubled(doubled(x))

    assert fourfold(3.0) == 12.0
    (part,) = doubled.overloads.values()
    assert isinstance(part.library, PartLibrary)
    assert part.library.get_pointer_to_function(part.fndesc.llvm_func_name) == 0
    (whole,) = fourfold.overloads.values()
    assert not isinstance(whole.library, PartLibrary)
    assert whole.library.get_pointer_to_function(whole.fndesc.llvm_func_name) != 0


def test_a_part_is_compiled_once_for_all_whole_numbers():
    @kernel(part=True)
    def raised(x, times, by=1):
        return x + times * by

    @kernel()
    def sum_of_three(x):
        return raised(x, 1) + raised(x, 2) + raised(x, times=3, by=2)

    assert sum_of_three(0.5) == 0.5 * 3 + 1 + 2 + 6
    by_types = [signature[:2] for signature in raised.overloads]
    assert set(by_types) == {(types.float64, types.int64)}
    assert len(by_types) == 2  # `by` given, and as it is by default


def test_what_kernels_call_for_a_python_function_is_a_part():
    def thrice(x):
        return 3 * x

    @in_kernels(thrice)
    def _compiled(x):
        return lambda x: x + x + x

    @kernel()
    def ninefold(x):
        return thrice(thrice(x))

    libraries = []
    with mock.patch.object(PartLibrary, "_optimize_final_module", lambda library: libraries.append(library.name)):
        assert ninefold(2.0) == 18.0
    assert len(libraries) == 1


def test_a_part_that_raises_is_an_error_of_its_kernel():
    """Only errors without values: those need the environment that a part does not have."""

    @kernel(part=True)
    def positive(x):
        if x <= 0:
            raise MemoryError("nothing is left")
        return x

    @kernel()
    def half(x):
        return positive(x) / 2

    assert half(4.0) == 2.0
    with pytest.raises(MemoryError, match="nothing is left"):
        half(-1.0)
