"""The code of what only other kernels call: it overrides private methods of Numba's own library."""

import pytest
from numba.core.codegen import CodeLibrary, CPUCodeLibrary, JITCodeLibrary

from solver.compiling import kernel
from solver.part_library import PartLibrary


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
