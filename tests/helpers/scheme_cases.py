"""Hypothesis strategies: random planes, sides, forms, filters, fields, steps and dtypes of the raw scheme."""

from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st
from scheme_kinds import AXES, FORMS

from solver.records import Array, Fields, Filter, Inputs, Levels, Mesh

CONSERVING_AXES = AXES[:2]
seeds = st.integers(0, 2**32 - 1)


@dataclass(frozen=True)
class Case:
    """Inputs of the scheme, a mesh, and a number of steps."""

    inputs: Inputs
    mesh: Mesh
    steps: int

    @property
    def dtype(self) -> np.dtype:
        return self.inputs.now.dtype

    @property
    def eps(self) -> float:
        """What a step may lose: some sixteen operations a cell, each rounded, four times over."""
        return 64 * float(np.finfo(self.dtype).eps) * (self.steps + 1)

    @property
    def arguments(self) -> tuple[Levels, Fields]:
        """The two levels and the five fields, as a backend takes them."""
        i = self.inputs
        return Levels(i.now, i.old), Fields(i.u, i.v, i.Dx, i.Dy, i.source)

    def run(self, backend, **changes) -> Levels:
        """Return H[K] and H[K-1], with some of the inputs changed."""
        changed = self.but(**changes)
        return backend.forward(*changed.arguments, self.mesh, self.steps)

    def but(self, **changes) -> "Case":
        """Return this case with some of the inputs changed, in its own dtype."""
        changes = {name: np.asarray(value).astype(self.dtype) for name, value in changes.items()}
        return replace(self, inputs=self.inputs._replace(**changes))

    def on(self, **changes) -> "Case":
        """Return this case with another mesh."""
        return replace(self, mesh=self.mesh._replace(**changes))

    def map(self, function) -> "Case":
        """Apply a function to every input."""
        return replace(self, inputs=Inputs(*(function(a) for a in self.inputs)))

    def full(self) -> "Case":
        """Expand every input to the common shape, so that it can be shifted and mirrored."""
        shape = np.broadcast_shapes(*(a.shape for a in self.inputs))
        return self.map(lambda a: np.broadcast_to(a, shape).copy())

    def close(self, got: Array, want: Array, scale: float = 1.0) -> None:
        """Assert that two results agree to rounding on numbers no larger than the largest in play."""
        scale = max(scale, float(np.max(np.abs(want), initial=0.0)))
        np.testing.assert_allclose(got, want, rtol=0, atol=self.eps * scale)


filters = st.one_of(
    st.just(Filter()),
    st.builds(Filter, nu=st.floats(0.01, 1.0), alpha=st.floats(0.5, 1.0), unfiltered=st.integers(0, 3)),
)


@st.composite
def cases(draw, axes=tuple(AXES), forms=tuple(FORMS), raw=filters, dtypes=(np.float64, np.float32)):
    """Draw a case whose mesh numbers are moderate, so that K steps neither overflow nor drown in rounding."""
    kinds = (*draw(st.sampled_from(axes)), *draw(st.sampled_from(axes)))
    walls = [kind == "dirichlet" for kind in kinds]
    rows, columns = draw(st.integers(1 + sum(walls[:2]), 9)), draw(st.integers(1 + sum(walls[2:]), 9))
    batch = draw(st.sampled_from([(), (1,), (3,), (2, 3)]))
    dtype = draw(st.sampled_from(dtypes))
    rng = np.random.default_rng(draw(seeds))
    dt, dx, dy = (draw(st.floats(low, high)) for low, high in ((0.01, 0.3), (0.5, 2.0), (0.5, 2.0)))

    def coefficient(low, high):
        kind = draw(st.sampled_from(["cell", "plane", "number"]))
        shape = {"cell": (*batch, rows, columns), "plane": (rows, columns), "number": ()}[kind]
        return rng.uniform(low, high, shape)

    now, old = rng.uniform(-1, 1, (2, *batch, rows, columns))
    inputs = Inputs(
        now=now,
        old=old,
        source=coefficient(-1, 1),
        u=coefficient(-0.5, 0.5),
        v=coefficient(-0.5, 0.5),
        Dx=coefficient(0, 1),
        Dy=coefficient(0, 1),
    )
    mesh = Mesh(dt, dx, dy, kinds, *draw(st.sampled_from(forms)), draw(raw))
    inputs = Inputs(*(np.asarray(a).astype(dtype) for a in inputs))
    return Case(inputs, mesh, draw(st.one_of(st.integers(0, 6), st.integers(0, 40))))
