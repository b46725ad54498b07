"""Condensing our network and others': what stays, bit for bit, what goes, and that the copy trains."""

import copy
import io
from collections import OrderedDict

import pytest
import torch
from foreign_networks import NETWORKS, network
from torch import nn

from nnbridge import GlobalLayer, Variant, condense, models
from nnbridge.blocks import BasicBlock
from nnbridge.models.resnet import ResNet, Shape

LAYERS = {  # channels of the layers: one a stage but the last
    "resnet32": [16, 32],
    "timm resnet18": [64, 128, 256],
    "timm convnext_atto": [40, 80, 160],
    "timm mobilenetv2_050": [16, 16, 32, 48],
    "torchvision resnet50": [256, 512, 1024],
    "torchvision regnet_y_400mf": [104, 208],
}
GONE = {  # the blocks of each stage beyond the first
    "resnet32": {f"stages.{n}": "1234" for n in range(3)},
    "timm resnet18": {f"layer{n}": "1" for n in (1, 2, 3, 4)},
    "timm convnext_atto": {f"stages.{n}.blocks": "12345" if n == 2 else "1" for n in range(4)},
    "timm mobilenetv2_050": {f"blocks.{n}": gone for n, gone in enumerate(("1", "12", "123", "12", "12"), 1)},
    "torchvision resnet50": {"layer1": "12", "layer2": "123", "layer3": "12345", "layer4": "12"},
    "torchvision regnet_y_400mf": {
        f"trunk_output.block{n}": [f"block{n}-{i}" for i in range(1, m)] for n, m in ((2, 3), (3, 6), (4, 6))
    },
}


def make(name):
    torch.manual_seed(0)
    return network(name) if name in NETWORKS else models.create(name)


def images(count=1, size=32):
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(1))


def layers(model):
    return {name: part for name, part in model.named_modules() if isinstance(part, GlobalLayer)}


def goes(name, key):
    return any(f"{key}.".startswith(f"{stage}.{block}.") for stage, gone in GONE[name].items() for block in gone)


def row(*blocks):
    """A network of one row of blocks, under the name of 0."""
    return nn.Sequential(nn.Sequential(*blocks), nn.ReLU())


@pytest.fixture(scope="module", params=LAYERS)
def pair(request):
    """A network in training but for its first norm, its condensed copy, and its state and modes before."""
    model = make(request.param)
    next(part for part in model.modules() if isinstance(part, nn.BatchNorm2d | nn.LayerNorm)).eval()
    before = copy.deepcopy(model.state_dict()), [part.training for part in model.modules()]
    return request.param, model, condense(model, images()), before


def test_the_model_is_left_as_it_was(pair):
    _, model, condensed, (state, modes) = pair
    assert model.state_dict().keys() == state.keys()
    assert all(torch.equal(tensor, state[key]) for key, tensor in model.state_dict().items())
    assert [part.training for part in model.modules()] == modes
    assert not any(part._forward_hooks for part in (*model.modules(), *condensed.modules()))
    assert not {p.data_ptr() for p in model.parameters()} & {p.data_ptr() for p in condensed.parameters()}


def test_blocks_that_stay_have_their_weights_bit_for_bit_and_the_later_ones_are_gone(pair):
    name, _, condensed, (state, _) = pair
    kept = {key for key in state if not goes(name, key)}
    new = {f"{layer}.{key}" for layer, part in layers(condensed).items() for key in part.state_dict()}
    assert condensed.state_dict().keys() == kept | new
    assert not kept & new
    assert all(torch.equal(condensed.state_dict()[key], state[key]) for key in kept)


def test_what_stays_has_its_mode_and_a_layer_that_of_its_stage(pair):
    name, model, condensed, _ = pair
    modes = {key: part.training for key, part in model.named_modules() if not goes(name, key)}
    new = dict(condensed.named_modules())
    assert False in modes.values()
    assert {key: new[key].training for key in modes} == modes
    assert all(layer.training for layer in layers(condensed).values())


def test_a_layer_follows_every_stage_but_the_last(pair):
    name, _, condensed, _ = pair
    assert [layer.channels for layer in layers(condensed).values()] == LAYERS[name]
    for stage in list(GONE[name])[:-1]:
        assert isinstance(list(condensed.get_submodule(stage))[-1], GlobalLayer)
    assert [len(condensed.get_submodule(stage)) for stage in GONE[name]] == [2] * len(LAYERS[name]) + [1]


def test_parameters_are_those_of_what_stays_and_46_a_channel_of_the_layers(pair):
    name, model, condensed, _ = pair
    kept = sum(p.numel() for key, p in model.named_parameters() if not goes(name, key))
    assert models.count_parameters(condensed) == kept + 46 * sum(LAYERS[name]) < models.count_parameters(model)


def test_gradients_reach_every_parameter_and_training_lowers_the_loss(pair):
    condensed = copy.deepcopy(pair[2]).train()
    # 64 x 64: of 32 x 32 a MobileNet's last planes are single cells, and four of them no statistics: it would not train
    # whole either.
    x, labels = images(4, 64), torch.arange(4)
    optimiser = torch.optim.SGD(condensed.parameters(), lr=0.01, momentum=0.9)
    losses = []
    for _ in range(5):
        logits = condensed(x)
        assert logits.shape == (4, 10)
        loss = nn.functional.cross_entropy(logits, labels)
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in condensed.parameters())
        optimiser.step()
    # In the last step: some networks begin with zeros that let no gradient through to what comes before them.
    assert all(p.grad.any() for layer in layers(condensed).values() for p in layer.parameters())
    assert min(losses[1:]) < 0.9 * losses[0]  # on four images a MobileNet's loss may rise again in between


def test_the_state_goes_through_a_file_into_another_copy(pair):
    name, _, condensed, _ = pair
    file = io.BytesIO()
    torch.save(condensed.state_dict(), file)
    file.seek(0)
    other = condense(make(name), images())
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(1)
    other.load_state_dict(torch.load(file, weights_only=True))
    x = images(2)
    expected = copy.deepcopy(condensed).eval()(x)
    torch.testing.assert_close(other.eval()(x), expected, rtol=0, atol=0)


def test_parameters_of_resnet32_by_hand():
    # A block of C channels has 2 * 9 C^2 + 2 * 2 C; four of each of three stages go. A layer has (36 + 8 + 2) C.
    gone = 4 * sum(18 * C**2 + 4 * C for C in (16, 32, 64))
    condensed = condense(make("resnet32"), images())
    assert models.count_parameters(condensed) == 466_906 - gone + 46 * (16 + 32) == 80_250


def test_our_network_becomes_the_one_that_is_written_condensed():
    condensed = condense(make("resnet32"), images(), keep=2)
    ResNet(Shape((16, 32, 64), 2, True), 3, 10).load_state_dict(condensed.state_dict())


def test_the_choices_of_a_variant_reach_every_layer():
    variant = Variant(steps=3, dt=0.1, velocity="pointwise", boundary="no-flux")
    made = layers(condense(make("resnet32"), images(), variant=variant, backend="torch")).values()
    assert {(m.steps, m.dt, m.velocity, m.boundary, m.backend) for m in made} == {
        (3, 0.1, "pointwise", "no-flux", "torch")
    }


def test_keep_says_how_many_blocks_stay_and_a_shorter_stage_keeps_all():
    trunk = condense(make("torchvision regnet_y_400mf"), images(), keep=4).trunk_output
    assert [len(stage) for stage in trunk] == [1, 3 + 1, 4 + 1, 4]


def test_only_the_stages_that_are_named_change():
    condensed = condense(make("timm resnet18"), images(), stages=("layer2", "layer1"))
    assert list(layers(condensed)) == ["layer1.1", "layer2.1"]
    assert [len(condensed.get_submodule(f"layer{n}")) for n in (1, 2, 3, 4)] == [2, 2, 2, 2]
    assert isinstance(condensed.layer3[1], type(condensed.layer3[0]))


@pytest.mark.parametrize(("after_last", "parts"), [(False, 1), (True, 2)])
def test_a_layer_after_the_last_stage_if_it_is_wanted(after_last, parts):
    condensed = condense(make("timm resnet18"), images(), stages=["layer4"], after_last=after_last)
    assert len(condensed.layer4) == parts


def test_a_stage_of_one_block_gets_its_layer_if_it_is_named():
    model = models.create("resnet-tiny")
    condensed = condense(model, images(), stages=[f"stages.{n}" for n in range(4)])
    assert models.count_parameters(condensed) == models.count_parameters(models.create("resnet-tiny-global"))


def test_names_of_blocks_stay_and_the_layer_gets_one():
    blocks = OrderedDict((name, BasicBlock(3, 3)) for name in ("first", "1", "2"))
    model = nn.Sequential(OrderedDict(deep=nn.Sequential(blocks)))
    condensed = condense(model, images(), keep=2, after_last=True)
    assert list(condensed.deep._modules) == ["first", "1", "global_layer"]


def test_a_subclass_of_sequential_stays_one():
    class Deep(nn.Sequential):
        depth = 7

    model = nn.Sequential(Deep(BasicBlock(3, 3), BasicBlock(3, 3)), nn.ReLU())
    condensed = condense(model, images(), after_last=True)
    assert (type(condensed[0]), condensed[0].depth, len(condensed[0])) == (Deep, 7, 2)


def test_a_stage_that_two_parts_share_is_condensed_once_and_still_shared():
    model = row(BasicBlock(3, 3), BasicBlock(3, 3)).append(nn.Identity())
    model[2] = model[0]
    condensed = condense(model, images(), after_last=True)
    assert condensed[0] is condensed[2]
    assert len(condensed[0]) == 2


def test_a_block_that_stands_twice_is_kept_once():
    block = BasicBlock(3, 3)
    condensed = condense(row(block, block, block), images(), after_last=True)
    assert [type(part) for part in condensed[0]] == [BasicBlock, GlobalLayer]


def test_hooks_stay_with_what_stays():
    model, seen = make("resnet32"), []
    model.stages[0].register_forward_hook(lambda part, given, made: seen.append(len(part)))
    condensed = condense(model, images())
    seen.clear()
    condensed(images(2))
    assert seen == [2]


def test_layers_have_the_dtype_of_the_model():
    condensed = condense(make("resnet32").double(), images().double())
    assert {p.dtype for p in condensed.parameters()} == {torch.float64}
    assert condensed(images(2).double()).dtype == torch.float64


def test_bfloat16_takes_plain_torch_on_the_cpu():
    condensed = condense(make("resnet32").bfloat16(), images().bfloat16(), backend="torch")
    assert condensed(images(2).bfloat16()).dtype == torch.bfloat16


def test_layers_are_on_the_device_of_the_model():
    condensed = condense(make("resnet32").to("meta"), images().to("meta"), backend="torch")
    assert {tensor.device.type for tensor in condensed.state_dict().values()} == {"meta"}


def test_channels_last_gives_the_same():
    model, x = make("timm resnet18"), images(2)
    torch.manual_seed(3)
    expected = condense(model, x).eval()(x)
    torch.manual_seed(3)
    wide = model.to(memory_format=torch.channels_last)
    x = x.to(memory_format=torch.channels_last)
    torch.testing.assert_close(condense(wide, x).eval()(x), expected, rtol=1e-4, atol=1e-5)


def test_a_condensed_network_has_nothing_more_to_condense():
    with pytest.raises(ValueError, match=r"`model` has no stage: .* stages.0 \(1 BasicBlock, 1 GlobalLayer\)"):
        condense(condense(make("resnet32"), images()), images())


def test_no_stage_says_what_was_looked_for_and_what_there_is():
    flat = nn.Sequential(nn.Conv2d(3, 3, 3), nn.ReLU(), nn.ReLU())
    with pytest.raises(ValueError, match=r"no stage: .*two or more blocks .*itself \(1 Conv2d, 2 ReLU\)"):
        condense(flat, images())
    with pytest.raises(ValueError, match=r"no stage: .*it has no nn.Sequential"):
        condense(nn.Conv2d(3, 3, 3), images())


def test_a_name_that_is_no_stage_gets_the_list_of_them():
    with pytest.raises(ValueError, match=r"`stages` names 'layer9'.*it has 'layer1', 'layer2', 'layer3', 'layer4'"):
        condense(make("timm resnet18"), images(), stages=("layer1", "layer9"))


def test_stages_in_one_another_are_refused():
    class Nest(nn.Module):
        def __init__(self):
            super().__init__()
            self.row = nn.Sequential(BasicBlock(3, 3), BasicBlock(3, 3))

        def forward(self, x):
            return self.row(x)

    with pytest.raises(ValueError, match=r"`stages` names '0.0.row' and '0', which holds it: name one"):
        condense(row(Nest(), Nest()), images(), stages=["0", "0.0.row"])


@pytest.mark.parametrize(
    ("error", "message", "choices"),
    [
        (ValueError, r"`keep` is 0: it takes a whole number >= 1", {"keep": 0}),
        (TypeError, r"`keep` is 1.5", {"keep": 1.5}),
        (TypeError, r"`stages` is 'layer1': it takes a sequence of names, such as \('layer1',\)", {"stages": "layer1"}),
        (ValueError, r"`stages` is empty", {"stages": ()}),
        (ValueError, r"`backend` is 'gpu'", {"backend": "gpu"}),
    ],
)
def test_choices_out_of_range(error, message, choices):
    with pytest.raises(error, match=message):
        condense(make("resnet32"), images(), **choices)
