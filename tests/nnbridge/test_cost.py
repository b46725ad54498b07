"""What a network costs: counts by hand, those of the PDE against the formulas themselves, and nothing moved."""

import importlib.util
import sys

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

import solver.compiling
from nnbridge import GlobalLayer, models
from nnbridge.cli import app
from nnbridge.models.cost import OTHER_ASSEMBLY, PUBLISHED_ASSEMBLY, SWEEP, Cost, cost

PHOTOGRAPH, PLANE = torch.zeros(1, 3, 32, 32), torch.zeros(1, 1, 28, 28)


def stages(*convolutions):
    """Sum of c_in c_out k^2 cells over (times, c_in, c_out, k, side)."""
    return sum(times * c_in * c_out * k**2 * side**2 for times, c_in, c_out, k, side in convolutions)


RESNET32 = (
    stages((1, 3, 16, 3, 32), (10, 16, 16, 3, 32))
    + stages((1, 16, 32, 3, 16), (1, 16, 32, 1, 16), (9, 32, 32, 3, 16))
    + stages((1, 32, 64, 3, 8), (1, 32, 64, 1, 8), (9, 64, 64, 3, 8))
    + 64 * 10
)
GLOBAL = (
    stages((1, 3, 16, 3, 32), (2, 16, 16, 3, 32))
    + stages((1, 16, 32, 3, 16), (1, 16, 32, 1, 16), (1, 32, 32, 3, 16))
    + stages((1, 32, 64, 3, 8), (1, 32, 64, 1, 8), (1, 64, 64, 3, 8))
    + stages((1, 64, 64, 3, 4), (1, 64, 64, 1, 4), (1, 64, 64, 3, 4))
    + 64 * 10
)
FEATURES = 16 * 32**2 + 32 * 16**2 + 64 * 8**2  # numbers that the three Global layers evolve
FIELDS = 4 * 9 * FEATURES


def test_resnet32_by_hand():
    assert cost(models.create("resnet32"), PHOTOGRAPH) == Cost(466_906, RESNET32, 0, 3 * 5 * 2 + 2)
    assert RESNET32 == 69_124_736  # published: 70M


def test_the_condensed_network_by_hand():
    found = cost(models.create("resnet32-global"), PHOTOGRAPH)
    assert found == Cost(161_402, GLOBAL + FIELDS, (6 + 15) * FEATURES, 4 * 2 + 3 + 2)
    assert GLOBAL + FIELDS == 14_779_008  # published: 15M


@pytest.mark.parametrize(
    ("name", "parameters", "pde"),
    [("mnist-convolution", 522, 0), ("mnist-residual", 524, 0), ("mnist-pde", 524, (5 * 6 + 15) * 28**2)],
)
def test_the_networks_of_mnist_by_hand(name, parameters, pde):
    assert cost(models.create(name), PLANE) == Cost(parameters, 2 * 9 * 28**2 + 49 * 10, pde, 3)


@pytest.mark.parametrize("groups", [1, 2, 6])
def test_a_grouped_convolution_multiplies_within_its_groups(groups):
    layer = nn.Conv2d(6, 12, (3, 5), stride=2, groups=groups)
    rows, columns = (9 - 3) // 2 + 1, (11 - 5) // 2 + 1
    found = cost(layer, torch.zeros(4, 6, 9, 11))  # four images: one counts
    assert (found.macs, found.depth) == (12 * rows * columns * (6 // groups) * 15, 1)


@pytest.mark.parametrize("bias", [True, False])
def test_a_linear_map_of_every_row(bias):
    found = cost(nn.Linear(5, 7, bias=bias), torch.zeros(2, 3, 5))
    assert (found.macs, found.depth) == (3 * 5 * 7, 1)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("backend", ["auto", "torch", "cpu", "cuda"])
def test_a_layer_costs_the_same_by_whatever_computes_it(backend, training):
    layer = GlobalLayer(3, steps=4, backend=backend).train(training)
    with torch.no_grad():
        found = cost(layer, torch.zeros(2, 3, 6, 5))
    assert found == Cost(9 * 4 * 3 + 2 * 4 * 3 + 2 * 3, 4 * 9 * 90, (4 * 6 + 15) * 90, 1)


@pytest.mark.parametrize(
    ("choices", "macs", "pde"),
    [
        ({"steps": 0}, 4 * 9, 0),
        ({"velocity": "none"}, 2 * 9, 6 + 15),
        ({"velocity": "none", "diffusivity": 1.0, "source": False}, 0, 6 + 15),
        ({"velocity": "pointwise", "diffusivity": "full"}, 2 * 3 + 2 * 27, 6 + 15),
        ({"init": "full"}, 27 + 4 * 9, 6 + 15),
        ({"boundary": "no-flux"}, 4 * 9, 6 + 15),
        ({"advection": "skew"}, 4 * 9, 6 + 34),
        ({"diffusion": "flux", "steps": 2}, 4 * 9, 2 * 6 + 34),
    ],
)
def test_the_choices_of_a_layer(choices, macs, pde):
    found = cost(GlobalLayer(3, **choices), torch.zeros(1, 3, 6, 5))
    assert (found.macs, found.pde_macs) == (90 * macs, 90 * pde)


class Symbol:
    """A name that notes each product or quotient that it is in; equal ones are one."""

    def __init__(self, name, noted):
        self.name, self.noted = name, noted

    def joined(self, sign, other):
        return Symbol(f"({self.name} {sign} {other.name})", self.noted)

    def __add__(self, other):
        return self.joined("+", other)

    def __sub__(self, other):
        return self.joined("-", other)

    def __neg__(self):
        return Symbol(f"-{self.name}", self.noted)

    def __mul__(self, other):
        self.noted.add(f"{self.name} * {other.name}")
        return self.joined("*", other)

    def __truediv__(self, other):
        self.noted.add(f"{self.name} / {other.name}")
        return self.joined("/", other)


@pytest.fixture
def formulas(monkeypatch):
    """`solver.stencil` as plain Python functions."""
    spec = importlib.util.find_spec("solver.stencil")
    plain = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(solver.compiling, "point_function", lambda function: function)
    spec.loader.exec_module(plain)
    assert plain is not sys.modules["solver.stencil"]
    return plain


@pytest.mark.parametrize(("published", "products"), [(True, PUBLISHED_ASSEMBLY), (False, OTHER_ASSEMBLY)])
def test_the_assembly_is_counted_as_its_formula_has_it(formulas, published, products):
    noted = set()
    names = {name: Symbol(name, noted) for name in ("x", "y", "xx", "yy", "source", "half", "one")}
    for share in ("velocity_share", "diffusivity_share"):
        names[share] = None if published else Symbol(share, noted)
    fields = [[Symbol(f"{field}{place}", noted) for place in range(3)] for field in ("u", "v", "Dx", "Dy")]
    formulas.assemble(*fields, Symbol("f", noted), type("Ratios", (), names))
    assert len(noted) == products, sorted(noted)


def test_the_sweep_is_counted_as_its_formula_has_it(formulas):
    noted = set()
    formulas.step([Symbol(f"c{n}", noted) for n in range(7)], *(Symbol(f"H{n}", noted) for n in range(6)))
    assert len(noted) == SWEEP


class Tower(nn.Module):
    """A convolution, more sums than Python has room to recurse, each of one thing with itself, and a linear map."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Conv2d(1, 1, 1), nn.Linear(4, 2)

    def forward(self, x):
        x = self.first(x)
        for _ in range(sys.getrecursionlimit() + 100):
            x = x + x
        return self.last(x)


def test_a_graph_deeper_than_pythons_stack_with_many_paths():
    assert cost(Tower(), torch.zeros(1, 1, 4, 4)).depth == 2


def test_depth_is_that_of_the_longest_path():
    block = models.resnet.BasicBlock(3, 5, stride=2)  # its shortcut has one convolution
    assert cost(block, PHOTOGRAPH).depth == 2
    assert cost(nn.ReLU(), PHOTOGRAPH) == Cost(0, 0, 0, 0)


def test_the_model_stays_as_it_was():
    model = models.create("resnet-tiny-global", kernel="torch")
    model.head.requires_grad_(False)
    model.stem.eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.get_rng_state()
    modes = [part.training for part in model.modules()]
    found = cost(model, PHOTOGRAPH)
    assert found.parameters == 14_000 - 210  # trainable ones
    assert found.depth == 13
    assert torch.equal(torch.get_rng_state(), state)
    assert [part.training for part in model.modules()] == modes
    assert not any(p.requires_grad for p in model.head.parameters())
    assert all(p.grad is None for p in model.parameters())
    assert {part.backend for part in model.modules() if isinstance(part, GlobalLayer)} == {"torch"}
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name])


@pytest.mark.parametrize(
    ("model", "example", "error", "message"),
    [
        (nn.ReLU(), [0.0], TypeError, "`example` is a list: it takes a tensor of images"),
        (nn.ReLU(), torch.zeros(0, 3, 4, 4), ValueError, r"`example` has shape \(0, 3, 4, 4\): it takes at least one"),
        (nn.ReLU(), torch.zeros(()), ValueError, r"`example` has shape \(\): it takes at least one image"),
        (nn.LSTM(3, 2), torch.zeros(1, 4, 3), TypeError, "`model` returns a tuple: only what returns one tensor"),
    ],
)
def test_what_cannot_be_counted_is_refused(model, example, error, message):
    with pytest.raises(error, match=message):
        cost(model, example)


def test_the_command_lists_every_network():
    printed = CliRunner().invoke(app, ["models", "--classes", "100", "--colours", "3"]).output
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed.splitlines() if line.startswith("│")]
    assert [row[0] for row in rows] == list(models.available())
    assert ["resnet32", "472,756", f"{RESNET32 + 64 * 90:,}", "0", "32"] in rows
    assert ["resnet32-global", "167,252", f"{GLOBAL + FIELDS + 64 * 90:,}", f"{21 * FEATURES:,}", "13"] in rows
