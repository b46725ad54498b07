"""The line that says "compiling" leaves the user's own kernels alone."""

import numba


def test_functions_without_a_module_are_compiled_in_peace(capfd):
    """Code generators, py-pde's among them, leave `__module__` empty."""
    scope = {}
    exec("def twice(x):\n    return 2 * x\n", scope)
    scope["twice"].__module__ = None
    assert numba.njit(scope["twice"])(21) == 42
    assert "pdebridge" not in capfd.readouterr().err
