"""Which parts of a network are its stages."""

import pytest
import torch
from foreign_networks import network
from torch import nn

from nnbridge import Stage, models, stages
from nnbridge.blocks import BasicBlock

IMAGES = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def block():
    return BasicBlock(3, 3)


class Wrapped(nn.Module):
    """Runs what it holds."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x)


class PartByPart(Wrapped):
    """Calls the parts, not the row."""

    def forward(self, x):
        for part in self.inner:
            x = part(x)
        return x


class Backwards(nn.Sequential):
    """A Sequential with a forward of its own."""

    def forward(self, x):
        for part in reversed(self):
            x = part(x)
        return x


class ChannelsLast(nn.Module):
    """Features (N, H, W, C), as in a transformer of windows."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(32, 32)

    def forward(self, x):
        return self.linear(x)


def test_stages_of_our_network():
    assert stages(models.create("resnet32"), IMAGES) == [
        Stage("stages.0", "BasicBlock", 5, (1, 16, 32, 32), (1, 16, 32, 32)),
        Stage("stages.1", "BasicBlock", 5, (1, 16, 32, 32), (1, 32, 16, 16)),
        Stage("stages.2", "BasicBlock", 5, (1, 32, 16, 16), (1, 64, 8, 8)),
    ]


def test_stages_of_timm_that_downsample_outside_of_their_blocks():
    found = stages(network("timm convnext_atto"), IMAGES)
    assert [(stage.name, stage.blocks) for stage in found] == [
        (f"stages.{n}.blocks", m) for n, m in enumerate((2, 2, 6, 2))
    ]


def test_stages_come_in_the_order_in_which_they_run():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.second, self.first = nn.Sequential(block(), block()), nn.Sequential(block(), block())

        def forward(self, x):
            return self.second(self.first(x))

    assert [stage.name for stage in stages(Model(), IMAGES)] == ["first", "second"]


def test_of_nested_stages_the_outermost_counts():
    nest = nn.Sequential(*(Wrapped(nn.Sequential(block(), block())) for _ in range(2)))
    assert [(s.name, s.block) for s in stages(nn.Sequential(nest, nn.ReLU()), IMAGES)] == [("0", "Wrapped")]
    assert [s.name for s in stages(nest, IMAGES)] == [""]


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)),  # leaves
        nn.Sequential(*(nn.Sequential(nn.Conv2d(3, 3, 1)) for _ in range(2))),  # plain Sequentials
        nn.Sequential(block(), Wrapped(nn.Conv2d(3, 3, 1))),  # two classes
        nn.Sequential(BasicBlock(3, 4), BasicBlock(4, 5)),  # the second changes the width
        nn.Sequential(BasicBlock(3, 3, 2), BasicBlock(3, 3, 2)),  # the second changes the plane
        nn.Sequential(block()),  # repeats nothing
        nn.Sequential(ChannelsLast(), ChannelsLast()),
        nn.Sequential(Wrapped(ChannelsLast()), Wrapped(ChannelsLast())),
        Backwards(block(), block()),
        PartByPart(nn.Sequential(block(), block())),
        PartByPart(nn.ModuleList([block(), block()])),
        nn.Sequential(),
    ],
    ids=lambda model: type(model).__name__,
)
def test_what_is_no_stage(model):
    assert stages(model, IMAGES) == []


def test_the_model_is_not_changed_by_the_look():
    model = models.create("resnet32").train()
    model.stem[1].eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    modes = [part.training for part in model.modules()]
    stages(model, IMAGES)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert [part.training for part in model.modules()] == modes
    assert not any(part._forward_hooks for part in model.modules())


@pytest.mark.parametrize(
    ("error", "message", "arguments"),
    [
        (TypeError, r"`model` is a str: it takes a torch.nn.Module", ("resnet18", IMAGES)),
        (TypeError, r"`example` is a list: it takes a tensor \(N, C, H, W\)", (block(), [IMAGES])),
        (ValueError, r"shape \(3, 32, 32\): it takes \(N, C, H, W\); example\[None\]", (block(), IMAGES[0])),
        (ValueError, r"shape \(32, 32\): it takes \(N, C, H, W\)\.", (block(), IMAGES[0, 0])),
    ],
)
def test_arguments_out_of_range(error, message, arguments):
    with pytest.raises(error, match=message):
        stages(*arguments)
