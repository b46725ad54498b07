"""Everything here needs an NVIDIA GPU, and is skipped, visibly, where there is none."""

import pytest


def why_not():
    """Return why the kernels cannot run on a GPU here, or None."""
    try:
        from solver import cuda
    except ImportError as error:
        return str(error)
    from solver.cuda.target import is_simulated

    return "the simulator is no GPU" if is_simulated() else cuda.why_not()


def pytest_collection_modifyitems(items):
    reason = why_not()
    for item in items:
        if "gpu" in item.path.parts:
            item.add_marker(pytest.mark.gpu)
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))
