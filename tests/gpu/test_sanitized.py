"""Every kernel once, on as few cells as can be: what a sanitizer, a hundred times slower, looks at.

compute-sanitizer --tool racecheck python -m pytest tests/gpu/test_sanitized.py
"""

import numpy as np
import pytest

from solver import backends
from solver.records import Mesh

SHAPES = [(3, 8, 8), (2, 16, 15), (1, 32, 30), (1, 40, 56), (1, 40, 70)]  # a block of each kind, and planes in parts


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("forms", [("product", "laplacian"), ("skew", "flux")], ids="-".join)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_kernel(shape, forms, dtype, make_inputs, split):
    cuda, inputs = backends.get("cuda"), make_inputs(shape, dtype, u=(), v=(shape[0], 1, 1))
    mesh = Mesh(0.1, 1.0, 1.0, ("periodic", "periodic", "no-flux", "dirichlet"), *forms)
    for steps in (1, 3, 7):
        assert np.isfinite(cuda.forward(*split(inputs), mesh, steps).now).all()
        assert np.isfinite(cuda.adjoint(inputs.old, *split(inputs), mesh, steps).u).all()
