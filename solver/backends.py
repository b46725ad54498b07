"""The backends by name; each is imported when it is first used."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol, cast

from solver import checks
from solver.records import Fields, Inputs, Levels, Mesh

_MODULES = {"numpy": "solver.reference", "cpu": "solver.cpu", "cuda": "solver.cuda"}


class Course(Protocol):
    """Steps after steps with the same fields: what a time loop needs between its pauses."""

    def advance(self, levels: Levels, steps: int) -> tuple[Levels, bool]:
        """(H[0], H[-1]) -> (H[K], H[K-1]), in memory of their own, and whether H[K] is finite.

        It takes arrays, or what it has returned; `Backend.read` makes arrays of that.
        """

    def reuse(self, levels: Levels) -> None:
        """Allow that levels which `advance` has returned, and nobody needs any more, are overwritten."""


class Backend(Protocol):
    """What a backend offers: K steps and their adjoint, on arrays (..., rows, columns)."""

    NAME: str

    def forward(self, levels: Levels, fields: Fields, mesh: Mesh, steps: int) -> Levels:
        """(H[0], H[-1]) -> (H[K], H[K-1])."""

    def Course(self, fields: Fields, mesh: Mesh) -> Course:
        """Return what advances with these fields and this mesh."""

    def read(self, levels: Levels) -> Levels:
        """Return levels that a course has returned as arrays; those that are arrays, as they are."""

    def adjoint(self, cotangent: Levels, levels: Levels, fields: Fields, mesh: Mesh, steps: int) -> Inputs:
        """Cotangent of (H[K], H[K-1]) -> gradients of all seven inputs."""


def names() -> tuple[str, ...]:
    """Names that `get` takes, ``"auto"`` first."""
    return ("auto", *_MODULES)


def get(name: str) -> Backend:
    """Return the backend called `name`.

    Parameters
    ----------
    name : str
        ``"numpy"``, the plain reference; ``"cpu"``, the Numba kernels; ``"cuda"``, kernels for an NVIDIA GPU, with the
        extra `cuda`; ``"auto"``, the CPU's.

    Raises
    ------
    ValueError
        If no backend has that name.
    """
    checks.choice("backend", name, names())
    return cast(Backend, import_module(_MODULES["cpu" if name == "auto" else name]))
