"""Statistics of norms taken anew before a test: their formula, what they leave alone, and that a run keeps them."""

import sys
from dataclasses import replace

import pytest
import torch
from torch import nn

from nnbridge import GlobalLayer, data
from nnbridge.data import Normalisation, Split
from nnbridge.training import Observer, TrainingConfig, load_model, resume, train
from nnbridge.training.evaluation import accuracy, predict
from nnbridge.training.folder import load_checkpoint
from nnbridge.training.settling import BATCH, settle

CONFIG = TrainingConfig.for_data("digits", backbone="pde", epochs=2, device="cpu", norm_images=90)


@pytest.fixture(scope="module")
def few():
    digits = data.load("digits")
    return replace(digits, train=Split(digits.train.images[:96], digits.train.labels[:96]))


def test_the_statistics_are_those_of_the_images():
    norm = nn.BatchNorm2d(3)
    norm.running_mean.fill_(5.0)
    images = torch.randn(2 * BATCH + 1, 3, 4, 4)
    settle(norm, images, lambda batch: 2 * batch)
    used = 2 * images[: 2 * BATCH].unflatten(0, (2, BATCH))
    torch.testing.assert_close(norm.running_mean, used.mean((0, 1, 3, 4)))
    torch.testing.assert_close(norm.running_var, used.var((1, 3, 4)).mean(0))
    assert norm.momentum == 0.1


@pytest.mark.parametrize("training", [True, False])
def test_weights_and_mode_stay_as_they_are(training):
    layer = GlobalLayer(2).train(training)
    before = [p.clone() for p in layer.parameters()]
    settle(layer, torch.randn(8, 2, 5, 6), lambda batch: batch)
    assert all(torch.equal(p, q) for p, q in zip(layer.parameters(), before, strict=True))
    assert layer.training == training
    assert float(layer.output[0].running_mean.abs().max()) > 0


def test_training_is_that_without(few, tmp_path):
    train(CONFIG, few, tmp_path / "with")
    train(replace(CONFIG, norm_images=0), few, tmp_path / "without")
    ours, plain = (load_checkpoint(tmp_path / name / "last.ckpt")["model"] for name in ("with", "without"))
    statistics = [name for name in ours if "running" in name]
    assert statistics
    assert all(torch.equal(ours[name], plain[name]) for name in ours if "running" not in name and "batches" not in name)
    assert not any(torch.equal(ours[name], plain[name]) for name in statistics)


def test_the_images_are_augmented_as_in_training_and_alike_each_time(few, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        sys.modules["nnbridge.training.train"], "settle", lambda model, images, prepare: seen.append(prepare(images))
    )
    train(replace(CONFIG, crop=2, flip=True), few, tmp_path)
    assert torch.equal(seen[0], seen[1])
    normalised = Normalisation(few.mean, few.std)(few.train.images[:90])
    assert seen[0].shape == normalised.shape
    assert not torch.equal(seen[0], normalised)


@pytest.mark.parametrize("ema", [0.0, 0.5])
def test_what_is_tested_is_what_is_kept(few, tmp_path, ema):
    metrics = train(replace(CONFIG, ema=ema), few, tmp_path)
    network = load_model(tmp_path)
    assert metrics.test_accuracy == accuracy(predict(network, few.test), few.test.labels)


class Interrupt(Observer):
    def on_epoch(self, record):
        raise KeyboardInterrupt


def test_an_interrupted_run_goes_on_in_the_same_bits(few, tmp_path):
    train(CONFIG, few, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(CONFIG, few, tmp_path / "part", observers=[Interrupt()])
    resume(tmp_path / "part", few)
    whole, part = (load_checkpoint(tmp_path / name / "last.ckpt")["model"] for name in ("whole", "part"))
    assert all(torch.equal(whole[name], part[name]) for name in whole)


BAD = [(-1, "`norm_images` is -1"), (1, "`norm_images` is 1, but"), (2.5, "`norm_images` is 2.5")]


@pytest.mark.parametrize(("value", "match"), BAD)
def test_numbers_that_cannot_be(value, match):
    with pytest.raises(ValueError, match=match):
        replace(CONFIG, norm_images=value)
