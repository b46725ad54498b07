"""What a diverged run says of its Global layers."""

import csv
import re
from dataclasses import replace

import pytest
import torch

from nnbridge import models
from nnbridge.data import Normalisation, Split
from nnbridge.training import DivergenceError, Observer, load_model, train
from nnbridge.training.divergence import suspect_layer
from nnbridge.training.mesh_log import MeshRecord, mesh_records

GOOD = [
    MeshRecord(1, "stages.0.1", 20.0, 9.0, 9.0),
    MeshRecord(2, "stages.0.1", 25.0, 0.5, 0.25),
    MeshRecord(2, "stages.1.1", 30.0, 0.75, 0.125),
    MeshRecord(2, "stages.2.1", 35.0, 0.25, 0.5),
]


@pytest.fixture
def network():
    torch.manual_seed(0)
    return models.create("resnet-tiny-global")


@pytest.fixture
def images():
    return torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def test_a_run_with_a_huge_rate_names_the_layer(photographs, tiny_config, tmp_path):
    config = replace(tiny_config, learning_rate=1e30, clip_norm=1e30, schedule="constant")
    with pytest.raises(DivergenceError, match="the loss is not finite in epoch 1, by step 2 of 3") as raised:
        train(config, photographs, tmp_path / "run")
    assert re.search(
        r"may help\. Of the Global layers stages\.\d\.1 stands out, the first whose fields are not finite: now "
        r"[\d.]+ % of cells outside the stability criterion, max \|A\| (nan|inf), max B (nan|inf)$",
        str(raised.value),
    )


def test_the_numbers_after_the_last_good_epoch_are_those_of_the_log(photographs, tiny_config, tmp_path):
    images = Normalisation(photographs.mean, photographs.std)(photographs.train.images)
    spoiled = replace(photographs, train=Split(images, photographs.train.labels))

    class Spoil(Observer):
        def on_epoch(self, record):
            if record.epoch == 2:
                images[7] = torch.nan

    with pytest.raises(DivergenceError) as raised:
        train(tiny_config, spoiled, tmp_path, observers=[Spoil()])
    with (tmp_path / "mesh.csv").open(newline="") as file:
        row = [row for row in csv.DictReader(file) if row["layer"] == "stages.0.1"][1]
    unstable, courant, diffusion = (float(row[name]) for name in ("unstable", "courant", "diffusion"))
    assert str(raised.value).endswith(
        f"max B nan; after epoch 2: {unstable:.1f} % of cells outside the stability criterion, max |A| {courant:.3g}, "
        f"max B {diffusion:.3g}"
    )


def test_weights_that_the_last_step_spoils_are_not_kept(photographs, tiny_config, tmp_path, monkeypatch):
    """The loss of that step is finite; a checkpoint with such weights would pass for a good one."""
    step, taken = torch.optim.SGD.step, []

    def spoiling(optimizer, *arguments):
        made = step(optimizer, *arguments)
        taken.append(optimizer)
        if len(taken) == 6:  # the last of epoch 2
            optimizer.param_groups[0]["params"][0].data[0] = torch.nan
        return made

    monkeypatch.setattr(torch.optim.SGD, "step", spoiling)
    with pytest.raises(
        DivergenceError, match=r"the weights are not finite after epoch 2: training stopped\. .* epoch 1"
    ):
        train(tiny_config, photographs, tmp_path)
    monkeypatch.undo()
    assert all(torch.isfinite(weights).all() for weights in load_model(tmp_path).parameters())


def test_a_network_without_a_layer_has_none_to_name(photographs, tiny_config, tmp_path):
    config = replace(tiny_config, backbone="resnet-tiny", learning_rate=1e30, schedule="constant")
    with pytest.raises(DivergenceError, match=r"A learning rate below 1e\+30 may help$"):
        train(config, photographs, tmp_path)


def test_the_first_layer_whose_fields_are_not_finite(network, images):
    network.stages[1][0].path[1].running_mean[0] = torch.nan  # before the second layer, and so before the third
    said = suspect_layer(network, images, GOOD)
    assert said.startswith(". Of the Global layers stages.1.1 stands out, the first whose fields are not finite: now ")
    assert said.endswith("; after epoch 2: 30.0 % of cells outside the stability criterion, max |A| 0.75, max B 0.125")


def test_where_all_are_finite_the_largest_numbers(network, images):
    network.stages[2][1].coefficients[1].weight.data *= 1e6
    *_, third = mesh_records(network, images, 0)
    said = suspect_layer(network, images, [])
    assert said == (
        ". Of the Global layers stages.2.1 stands out, the one with the largest mesh numbers: now "
        f"{third.unstable:.1f} % of cells outside the stability criterion, max |A| {third.courant:.3g}, "
        f"max B {third.diffusion:.3g}"
    )
    assert third.courant > 1e3


def test_weights_that_are_not_finite_tell_nothing_and_the_log_does(network, images):
    network.head[2].bias.data[0] = torch.inf
    said = suspect_layer(network, images, GOOD)
    assert said == (
        ". The weights are not finite any more; of the Global layers stages.1.1 stood out after epoch 2, the one with "
        "the largest mesh numbers: 30.0 % of cells outside the stability criterion, max |A| 0.75, max B 0.125"
    )
    assert suspect_layer(network, images, []).endswith("so the mesh numbers of the Global layers are not known")
