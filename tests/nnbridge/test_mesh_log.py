"""The mesh numbers of layers in training, against the fields by hand; where they are kept."""

import csv

import numpy as np
import pytest
import torch
from torch import nn

from nnbridge import GlobalLayer, models
from nnbridge.training.mesh_log import mesh_records
from solver.stability import stability_of


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(
        GlobalLayer(3, norm_eps=1e-3), nn.Conv2d(3, 4, 1), GlobalLayer(4, steps=5, velocity="none", dt=0.1)
    )


def test_a_record_of_each_layer_from_the_fields_that_it_makes(network):
    x = torch.randn(4, 3, 6, 5)
    first, second = mesh_records(network, x, 7)
    assert (first.epoch, first.layer, second.layer) == (7, "0", "2")
    with torch.no_grad():
        u, v, Dx, Dy = (t.double().numpy() for t in network[0].fields(x)[:4])
    number = stability_of(0.2 * u, 0.2 * v, 0.2 * Dx, 0.2 * Dy)
    assert first.unstable == pytest.approx(100 * np.mean(number > 1))
    assert 0 < first.unstable < 100
    assert first.courant == pytest.approx(0.2 * max(np.abs(u).max(), np.abs(v).max()))
    assert first.diffusion == pytest.approx(0.2 * (Dx + Dy).max())
    assert (second.unstable, second.courant) == (0, 0)
    assert second.diffusion > 0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_cell_whose_fields_are_not_finite_is_not_stable(network, bad):
    x = torch.randn(4, 3, 6, 5)
    x[1] = bad
    good, (first, second) = mesh_records(network, torch.cat([x[:1], x[2:]]), 1), mesh_records(network, x, 1)
    assert first.unstable == pytest.approx(25 + 0.75 * good[0].unstable)
    assert second.unstable == pytest.approx(25)
    assert not np.isfinite([first.courant, first.diffusion, second.diffusion]).any()


def test_looking_leaves_no_hook_and_moves_nothing(network):
    before = {name: t.clone() for name, t in network.state_dict().items()}
    mesh_records(network, torch.randn(4, 3, 6, 5), 1)
    assert not any(part._forward_pre_hooks for part in network.modules())
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_a_network_without_a_layer_has_none():
    assert mesh_records(models.create("mnist-convolution"), torch.rand(2, 1, 28, 28), 1) == []


def test_a_run_keeps_them_beside_its_log(tmp_path, photographs, tiny_config):
    from nnbridge.training import resume, train

    train(tiny_config, photographs, tmp_path / "run")
    with (tmp_path / "run" / "mesh.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["epoch"], row["layer"]) for row in rows] == [
        (str(epoch), f"stages.{stage}.1") for epoch in (1, 2, 3) for stage in range(3)
    ]
    assert all(float(row["courant"]) > 0 for row in rows)
    assert resume(tmp_path / "run", photographs).best_epoch <= 3
