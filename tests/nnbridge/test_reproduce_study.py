"""The study: its numbers against counts made independently, its files, and how it goes on."""

import csv
import json
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from nnbridge import data, reproduce
from nnbridge.data import Split
from nnbridge.reproduce import Spread, figures, mnist
from nnbridge.reproduce.mnist import report, tables
from nnbridge.training import BACKBONES, Observer, TrainingConfig, load_model

TEMPLATE = TrainingConfig.for_data("digits", backbone="pde", epochs=2, device="cpu")


@contextmanager
def unwatched(planned):
    yield []


@pytest.fixture(scope="module")
def few():
    """The digits, with 320 images to train on."""
    digits = data.load("digits")
    return replace(digits, train=Split(digits.train.images[:320], digits.train.labels[:320]))


@pytest.fixture(scope="module")
def study(few, tmp_path_factory):
    """Two seeds of each network, for two epochs."""
    out = tmp_path_factory.mktemp("study")
    runs = list(reproduce.execute(mnist.plan(TEMPLATE, 2), few, out, unwatched))
    report.write(mnist.summarise(runs), runs, few, out)
    return out, runs


def predictions(few, run):
    network = load_model(run.folder).eval()
    with torch.no_grad():
        return network(few.test.images).argmax(dim=1).numpy()


def test_every_network_runs_with_every_seed(study):
    _, runs = study
    assert sorted((run.config.backbone, run.config.seed) for run in runs) == sorted(
        (backbone, seed) for backbone in BACKBONES for seed in (0, 1)
    )


def test_the_table_agrees_with_predictions_counted_by_hand(study, few):
    _, runs = study
    labels = few.test.labels.numpy()
    for summary in mnist.summarise(runs):
        own = [predictions(few, run) for run in runs if run.config.backbone == summary.backbone]
        accuracies = [100 * np.mean(predicted == labels) for predicted in own]
        errors = [np.sum(((labels == 3) & (p == 5)) | ((labels == 5) & (p == 3))) for p in own]
        assert summary.accuracy.mean == pytest.approx(np.mean(accuracies), rel=1e-5)
        assert summary.accuracy.deviation == pytest.approx(np.std(accuracies, ddof=1), rel=1e-3, abs=1e-4)
        assert summary.confusions.mean == pytest.approx(np.mean(errors))
        assert summary.confusions.deviation == pytest.approx(np.std(errors, ddof=1))


def test_confusions_count_both_directions_and_nothing_else(study):
    _, runs = study
    matrix = [[0] * 10 for _ in range(10)]
    matrix[3][5], matrix[5][3], matrix[3][3], matrix[3][8], matrix[8][5] = 7, 4, 100, 50, 60
    run = replace(runs[0], metrics=replace(runs[0].metrics, confusion=matrix))
    assert mnist.confusions(run) == 11


def test_the_files_say_the_same_as_the_table(study):
    out, runs = study
    summaries = mnist.summarise(runs)
    with (out / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row, run in zip(rows, runs, strict=True):
        assert (row["backbone"], int(row["seed"])) == (run.config.backbone, run.config.seed)
        assert float(row["test_accuracy"]) == pytest.approx(run.metrics.test_accuracy, abs=1e-4)
        assert int(row["confusions_3_5"]) == mnist.confusions(run)
    content = json.loads((out / "results.json").read_text())
    assert [entry["accuracy"]["mean"] for entry in content["summary"]] == [s.accuracy.mean for s in summaries]
    assert content["published"] is None
    markdown = (out / "results.md").read_text()
    for row in tables.rows(summaries, "digits"):
        assert f"| {' | '.join(row)} |" in markdown


def test_published_numbers_stand_beside_mnist_alone(study):
    out, runs = study
    summaries = mnist.summarise(runs)
    assert "paper, %" not in tables.columns("digits")
    assert "not comparable" in (out / "results.md").read_text()
    assert "95.03" not in (out / "report.html").read_text()
    row = dict(zip(tables.columns("mnist"), tables.rows(summaries, "mnist")[2], strict=True))
    assert (row["network"], row["paper, %"], row["port, %"]) == ("pde", "95.03", "93.96")
    assert (row["paper, 3↔5 errors"], row["port, 3↔5 %"]) == ("9", "2.03")


def test_the_confused_classes_have_the_names_of_the_data_set():
    assert "3↔5 errors" in tables.columns("digits")
    assert "Dress↔Sandal errors" in tables.columns("fashion-mnist")


def test_the_figures_are_drawn_and_the_report_holds_them(study):
    out, _ = study
    for name in ("confusion-matrices", "learning-curves", "feature-maps"):
        pixels = np.asarray(Image.open(out / f"{name}.png").convert("L"))
        assert pixels.std() > 10, f"{name} is blank"
    page = (out / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 3
    assert "learning rate 0.02" in page


def test_the_confusion_figure_shows_the_mean_over_seeds(study):
    _, runs = study
    figure = figures.confusion_matrices(runs, [str(digit) for digit in range(10)])
    for ax, backbone in zip(figure.axes, BACKBONES, strict=False):
        expected = np.mean([run.metrics.confusion for run in runs if run.config.backbone == backbone], axis=0)
        shown = np.array([float(text.get_text()) for text in ax.texts]).reshape(10, 10)
        np.testing.assert_allclose(shown, expected, atol=0.5)


@pytest.mark.parametrize("losses", [(1.4, 0.97), (1.9, 0.4, 0.35), (2.3, 0.1, 0.0008)])
def test_a_loss_can_be_read_off_the_curve(losses):
    history = [SimpleNamespace(train_loss=loss, test_accuracy=50.0) for loss in losses]
    figure = figures.learning_curves([SimpleNamespace(row="one", history=history)])
    axis = figure.axes[0].yaxis
    low, high = axis.get_view_interval()
    labels = [
        text for tick, text in zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True) if low <= tick <= high
    ]
    assert 3 <= len(labels) <= 12
    assert len({text.get_text() for text in labels}) == len(labels)


def test_finished_runs_are_read_and_not_trained_again(study, few):
    out, runs = study

    def watch(planned):
        raise AssertionError(f"{planned.row} was trained again")

    again = list(reproduce.execute(mnist.plan(TEMPLATE, 2), few, out, watch))
    assert [run.metrics for run in again] == [run.metrics for run in runs]


def test_an_interrupted_study_goes_on_to_the_same_result(study, few, tmp_path):
    _, runs = study

    class Stop(Observer):
        def on_epoch(self, record):
            raise KeyboardInterrupt

    @contextmanager
    def stop_in_the_second_run(planned):
        yield [Stop()] if planned.row == "residual" else []

    configs = mnist.plan(TEMPLATE, 1)
    with pytest.raises(KeyboardInterrupt):
        list(reproduce.execute(configs, few, tmp_path, stop_in_the_second_run))
    resumed = list(reproduce.execute(configs, few, tmp_path, unwatched))
    whole = [run for run in runs if run.config.seed == 0]
    assert [run.metrics.confusion for run in resumed] == [run.metrics.confusion for run in whole]


def test_a_folder_with_other_choices_is_refused(study, few):
    out, _ = study
    configs = mnist.plan(replace(TEMPLATE, epochs=5), 1)
    with pytest.raises(ValueError, match=r"holds a run with other choices \(epochs 2, not 5\): choose another folder"):
        list(reproduce.execute(configs, few, out, unwatched))


def test_a_study_needs_a_seed():
    with pytest.raises(ValueError, match="`seeds` is 0, but a study needs at least 1"):
        mnist.plan(TEMPLATE, 0)


def test_a_spread_of_one_value_claims_none():
    assert Spread.of([93.5]).text(2) == "93.50"
    assert Spread.of([93.0, 94.0]).text(2) == "93.50 ± 0.71"
