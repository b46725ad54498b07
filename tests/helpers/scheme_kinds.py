"""Every boundary, form and filter that a test may go through."""

from itertools import product

from solver.records import Filter

AXES = [
    ("periodic", "periodic"),
    ("no-flux", "no-flux"),
    ("dirichlet", "dirichlet"),
    ("no-flux", "dirichlet"),
    ("dirichlet", "no-flux"),
]
BOUNDARIES = [(*x, *y) for x, y in product(AXES, AXES)]
SIDES = [  # a few of them: each kind alone, and walls of both kinds on either axis
    ("periodic",) * 4,
    ("no-flux",) * 4,
    ("dirichlet",) * 4,
    ("periodic", "periodic", "dirichlet", "no-flux"),
    ("no-flux", "dirichlet", "periodic", "periodic"),
]
CONSERVING = [kinds for kinds in BOUNDARIES if "dirichlet" not in kinds]
FORMS = list(product(("product", "skew", "flux"), ("laplacian", "flux")))
FILTERS = {
    "no filter": Filter(),
    "a run begins": Filter(0.2, 0.53, 1),
    "a run goes on": Filter(0.3, 0.8, 0),
    "later": Filter(0.25, 1.0, 3),
}


def name(kinds):
    """Return a short test id, such as ``pp-nd``: one letter a side."""
    first = [kind[0] for kind in kinds]
    return "".join(first[:2]) + "-" + "".join(first[2:])


def fits(kinds, shape):
    """Whether a row and a column are left between the Dirichlet walls of a plane of `shape`."""
    walls = [kind == "dirichlet" for kind in kinds]
    return shape[0] > sum(walls[:2]) and shape[1] > sum(walls[2:])
