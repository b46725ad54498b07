"""The average of a network over its steps: its formula, what is tested, kept and gone on with."""

import csv
import json
from dataclasses import replace

import pytest
import torch

from nnbridge import data
from nnbridge.data import Normalisation, Split
from nnbridge.training import Observer, RunFolder, TrainingConfig, load_model, resume, train
from nnbridge.training.evaluation import accuracy, predict
from nnbridge.training.folder import load_checkpoint, save_checkpoint
from nnbridge.training.mesh_log import mesh_records
from nnbridge.training.train import restored

DECAY = 0.75
CONFIG = TrainingConfig.for_data("digits", backbone="residual", epochs=3, device="cpu", ema=DECAY)


@pytest.fixture(scope="module")
def few():
    digits = data.load("digits")
    return replace(digits, train=Split(digits.train.images[:96], digits.train.labels[:96]))


@pytest.fixture(scope="module")
def whole_run(few, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    train(CONFIG, few, folder)
    return folder


def assert_same(one, other):
    assert list(one) == list(other)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_the_average_of_weights_and_statistics_is_the_formula(few, tmp_path):
    """With one step an epoch, every w is in a checkpoint."""
    seen = []

    class Look(Observer):
        def on_epoch(self, record):
            seen.append(load_checkpoint(tmp_path / "last.ckpt")["model"])

    metrics = train(replace(CONFIG, batch_size=96), few, tmp_path, observers=[Look()])
    network = load_model(tmp_path)
    for name, found in network.state_dict().items():
        first, *others = (weights[name].double() for weights in seen)
        for w in others:
            first = DECAY * first + (1 - DECAY) * w
        if found.is_floating_point():
            torch.testing.assert_close(found, first.float())
            assert not torch.equal(found, seen[-1][name])
    assert metrics.test_accuracy == accuracy(predict(network, few.test), few.test.labels)


def test_the_training_itself_is_that_without(few, whole_run, tmp_path):
    train(replace(CONFIG, ema=0.0), few, tmp_path)
    assert_same(load_checkpoint(tmp_path / "last.ckpt")["model"], load_checkpoint(whole_run / "last.ckpt")["model"])


def test_a_run_that_was_stopped_ends_in_the_same_bits(few, whole_run, tmp_path):
    class Stop(Observer):
        def on_step(self, epoch, step, steps):
            if (epoch, step) == (2, 2):
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(CONFIG, few, tmp_path, observers=[Stop()])
    resume(tmp_path, few)
    ours, whole = load_checkpoint(tmp_path / "last.ckpt"), load_checkpoint(whole_run / "last.ckpt")
    for part in ("model", "average"):
        assert_same(ours[part], whole[part])
    assert int(ours["average"]["n_averaged"]) == 9
    assert RunFolder(tmp_path).read_metrics().confusion == RunFolder(whole_run).read_metrics().confusion


def test_the_mesh_numbers_are_those_of_the_average(photographs, tiny_config, tmp_path):
    train(replace(tiny_config, epochs=1, ema=DECAY), photographs, tmp_path)
    normalise = Normalisation(photographs.mean, photographs.std)
    looked_at = mesh_records(load_model(tmp_path), normalise(photographs.test.images), 1)
    with (tmp_path / "mesh.csv").open(newline="") as file:
        written = [float(row["courant"]) for row in csv.DictReader(file)]
    assert written == pytest.approx([record.courant for record in looked_at], rel=1e-5)


def test_a_run_from_before_there_was_an_average_goes_on(few, tmp_path):
    train(replace(CONFIG, epochs=1, ema=0.0), few, tmp_path)
    checkpoint = load_checkpoint(tmp_path / "last.ckpt")
    del checkpoint["average"], checkpoint["config"]["ema"]
    save_checkpoint(tmp_path / "last.ckpt", checkpoint)
    choices = json.loads((tmp_path / "config.json").read_text()) | {"epochs": 2}
    del choices["ema"]
    (tmp_path / "config.json").write_text(json.dumps(choices))
    (tmp_path / "metrics.json").unlink()
    assert_same(load_model(tmp_path).state_dict(), checkpoint["model"])
    resume(tmp_path, few)
    assert len(RunFolder(tmp_path).read_log()) == 2


def test_an_average_that_was_not_kept_is_missed(few, tmp_path):
    train(replace(CONFIG, epochs=1, ema=0.0), few, tmp_path)
    checkpoint = load_checkpoint(RunFolder(tmp_path).last)
    checkpoint["config"]["ema"] = 0.5
    with pytest.raises(ValueError, match="`ema` is set, but the checkpoint holds no average"):
        restored(checkpoint)
