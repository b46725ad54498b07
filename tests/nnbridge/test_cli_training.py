"""The command line: what it trains, prints, refuses, and how an interrupted run goes on."""

import json
import shlex
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from nnbridge.cli import app
from nnbridge.training.observers import ProgressBar


def call(*arguments, code=0):
    """Run a command in this process and return what it printed."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result.output


def test_the_module_is_a_command():
    result = subprocess.run([sys.executable, "-m", "nnbridge", "--help"], capture_output=True, text=True, check=True)
    for command in ("models", "train", "evaluate", "predict", "reproduce"):
        assert command in result.stdout


@pytest.mark.parametrize(
    ("command", "options"),
    [
        (["train"], ["--data", "--backbone", "--epochs", "--seed", "--lr", "--device", "--kernel", "--resume"]),
        (["reproduce", "mnist"], ["--seeds", "--data", "--epochs", "--out", "--data-dir"]),
        (["evaluate"], ["RUN_DIR"]),
        (["models"], ["--classes", "--colours"]),
        (["predict"], ["IMAGE", "--checkpoint", "--json", "calibrated"]),
    ],
    ids=["train", "reproduce", "evaluate", "models", "predict"],
)
def test_help_names_the_options(command, options):
    text = call(*command, "--help")
    for option in options:
        assert option in text


def test_train_then_evaluate(tmp_path):
    run = tmp_path / "run"
    printed = call("train", "--backbone", "residual", "--epochs", 1, "--seed", 4, "--device", "cpu", "--out", run)
    metrics = json.loads((run / "metrics.json").read_text())
    config = json.loads((run / "config.json").read_text())
    assert f"test accuracy {metrics['test_accuracy']:.2f} %" in printed
    assert "mnist-residual: 524 parameters, 14,602 MACs an image, depth 3" in printed
    assert (config["data"], config["backbone"], config["seed"]) == ("digits", "residual", 4)
    assert (run / "log.csv").read_text().startswith("epoch,train_loss,train_accuracy,test_accuracy,")
    evaluated = call("evaluate", run)
    assert f"test accuracy {metrics['test_accuracy']:.2f} % of 360 images" in evaluated
    assert str(metrics["confusion"][0][0]) in evaluated


def test_an_interrupted_run_goes_on_with_the_command_that_is_printed(tmp_path, monkeypatch):
    run = tmp_path / "a run"
    choices = ("--backbone", "pde", "--epochs", 2, "--device", "cpu")

    def interrupt(self, epoch, step, steps):
        if (epoch, step) == (2, 3):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ProgressBar, "on_step", interrupt)
        printed = call("train", *choices, "--out", run, code=130)
    command = shlex.split(printed.partition("go on with: ")[2])
    assert command[:3] == ["python", "-m", "nnbridge"]
    call(*command[3:])
    call("train", *choices, "--out", tmp_path / "whole")
    resumed, whole = (json.loads((folder / "metrics.json").read_text()) for folder in (run, tmp_path / "whole"))
    assert resumed["confusion"] == whole["confusion"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--lr", "-1"], "error: `learning_rate` is -1.0"),
        (["train", "--backbone", "resnet"], "error: `backbone` is 'resnet', but it is one of 'convolution'"),
        (["train", "--resume", "nowhere"], "error: nowhere is not the folder of a run"),
        (["train", "--resume", "nowhere", "--lr", "0.1", "--seed", "3"], "so it excludes learning_rate, seed"),
        (["train", "--data", "mnist", "--data-dir", "nowhere"], "error: `data_dir` does not hold MNIST"),
        (["evaluate", "nowhere"], "error: nowhere is not the folder of a run"),
        (["reproduce", "mnist", "--data", "digits", "--seeds", "0"], "error: `seeds` is 0"),
    ],
)
def test_a_mistake_is_answered_in_a_sentence(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    printed = call(*arguments, code=1)
    assert message in printed
    assert "Traceback" not in printed


def test_reproduce_prints_the_table_and_goes_on_where_it_stopped(tmp_path, monkeypatch):
    arguments = ("reproduce", "mnist", "--data", "digits", "--seeds", 1, "--epochs", 1, "--device", "cpu")

    def interrupt(self, record):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ProgressBar, "on_epoch", interrupt)
        printed = call(*arguments, "--out", tmp_path, code=130)
    assert "give the same command again to go on" in printed
    printed = call(*arguments, "--out", tmp_path)
    results = json.loads((tmp_path / "results.json").read_text())
    for summary in results["summary"]:
        line = next(line for line in printed.splitlines() if f" {summary['backbone']} " in line)
        assert f"{summary['accuracy']['mean']:.2f}" in line
        assert str(summary["parameters"]) in line
    assert (tmp_path / "report.html").is_file()
