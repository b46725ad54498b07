"""The spectral radius of the two-level operator: whether given fields and boundaries really let the scheme grow."""

from __future__ import annotations

import numpy as np

from solver import backends, checks
from solver.problem import DiffusionAdvection
from solver.records import Array, Fields, Levels

DENSE = 800  # unknowns, two levels: up to here all eigenvalues are computed, in about a second
STRIDE = 16  # time steps that one application of the large operator makes: they spread the moduli apart
WANTED, KRYLOV, TOLERANCE = 4, 60, 1e-8


def spectral_radius(problem: DiffusionAdvection, dt: float) -> float:
    """Return the largest modulus of an eigenvalue of (H[k], H[k-1]) -> (H[k+1], H[k]), without source and wall values.

    The run grows if it exceeds 1, by that factor a step in the end; whatever the coefficients, the forms and the
    boundary are. On small planes (up to 400 cells) all eigenvalues are computed; on larger ones the largest, by
    Arnoldi iteration with the operator applied, never stored (scipy.sparse.linalg.eigs).

    Parameters
    ----------
    problem : DiffusionAdvection
        One plane, no batch; at t = 0 if its coefficients are functions of time.
    dt : float
        Time step.

    Returns
    -------
    float
        To about 1e-7, a rounding of double eigenvalues on the unit circle.

    Raises
    ------
    ValueError
        If the problem is a batch.

    References
    ----------
    R. B. Lehoucq, D. C. Sorensen, C. Yang, ARPACK Users' Guide, SIAM 1998, doi:10.1137/1.9780898719628.
    """
    dt = checks.real("dt", dt)
    if problem.batch:
        raise ValueError(f"`problem` is a batch {problem.batch}: it takes one plane, the spectrum of each is its own.")
    size = 2 * problem.grid.shape[0] * problem.grid.shape[1]
    if size <= DENSE:
        columns = _apply(problem, dt, 1, np.eye(size))
        return float(np.abs(np.linalg.eigvals(columns.T)).max())
    return _by_arnoldi(problem, dt, size)


def _apply(problem: DiffusionAdvection, dt: float, steps: int, states: Array) -> Array:
    """Apply the operator `steps` times to each row of `states`, (n, 2 rows columns)."""
    shape = problem.grid.shape
    now, old = np.moveaxis(states.reshape(-1, 2, *shape), 1, 0)
    fields = problem.fields(np.float64)
    silent = Fields(fields.u, fields.v, fields.Dx, fields.Dy, np.zeros(()))
    levels = backends.get("auto").forward(Levels(now, old), silent, problem.mesh(dt), steps)
    advanced: Array = np.stack(levels, axis=1).reshape(len(states), -1)
    return advanced


def _by_arnoldi(problem: DiffusionAdvection, dt: float, size: int) -> float:
    from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigs

    def many_steps(state: Array) -> Array:
        (advanced,) = _apply(problem, dt, STRIDE, state.reshape(1, -1))
        return np.asarray(advanced)

    operator = LinearOperator((size, size), matvec=many_steps, dtype=np.float64)
    begin = np.random.default_rng(0).standard_normal(size)  # the same answer every time
    try:
        found = eigs(
            operator, WANTED, which="LM", v0=begin, ncv=KRYLOV, tol=TOLERANCE, maxiter=200, return_eigenvectors=False
        )
    except ArpackNoConvergence as stopped:
        # Where nothing grows, all moduli lie close to 1 and few converge; a power of the operator bounds them.
        found = stopped.eigenvalues
        if not len(found):
            return _by_power(problem, dt, begin)
    return float(np.abs(found).max() ** (1 / STRIDE))


def _by_power(problem: DiffusionAdvection, dt: float, state: Array) -> float:
    """Return the growth of a step over a long run from noise, the beginning left out."""
    for _ in range(2):
        begun = np.linalg.norm(state)
        state = _apply(problem, dt, 2000, state.reshape(1, -1) / begun)[0]
    return float(np.linalg.norm(state) ** (1 / 2000))
