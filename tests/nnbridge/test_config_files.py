"""Choices from files and settings, the files that the project comes with, and a run on colour images."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from nnbridge import data, models
from nnbridge.cli import app
from nnbridge.training import DivergenceError, RunFolder, TrainingConfig, load_model, resume, train
from nnbridge.training.config_files import read_choices, with_settings
from nnbridge.training.schedules import make_schedule

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_the_project_s_files_are_valid_and_their_networks_can_be_made(path):
    config = TrainingConfig.for_data(**read_choices(path))
    condensed = "global" in config.backbone
    models.create(config.backbone, variant=config.variant if condensed else None)
    assert config == TrainingConfig.from_dict(config.as_dict())


def test_the_published_recipes():
    wide, condensed = (TrainingConfig.for_data("cifar10", backbone=b) for b in ("resnet32", "resnet32-global"))
    for config in (wide, condensed):
        assert (config.epochs, config.learning_rate, config.schedule, config.momentum) == (300, 0.1, "steps", 0.9)
        assert (config.milestones, config.crop, config.flip, config.cutout) == ((150, 225), 4, True, 0)
    assert (wide.batch_size, condensed.batch_size, condensed.weight_decay) == (128, 32, 6e-5)


def test_a_setting_is_put_over_a_file(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("data: cifar10\nbackbone: resnet32-global\nepochs: 5\nvariant: {steps: 5}\n")
    choices = with_settings(
        read_choices(path), ["epochs=7", "variant.velocity=none", "schedule=one-cycle", "flip=false"]
    )
    config = TrainingConfig.for_data(**choices)
    assert (config.epochs, config.schedule, config.flip) == (7, "one-cycle", False)
    assert (config.variant.steps, config.variant.velocity) == (5, "none")


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        (None, FileNotFoundError, r"`config` is .*a.yaml, which is no file: the project comes with configs"),
        ("- 1\n- 2", ValueError, "holds a list: it takes lines such as 'backbone: resnet32'"),
        ("a: [", ValueError, "a.yaml is no YAML"),
    ],
)
def test_a_file_that_is_none_is_refused(text, error, said, tmp_path):
    if text is not None:
        (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(error, match=said):
        read_choices(tmp_path / "a.yaml")


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"backbone": "pde"}, r"`backbone` 'pde' takes planes of 28 x 28 in one colour, and cifar10 has 32 x 32 in 3"),
        (
            {"backbone": "resnet32", "variant": {"steps": 2}},
            "`variant` goes with the networks that have a Global layer",
        ),
        ({"variant": {"step": 2}}, "`variant` has unknown keys step: it takes steps, dt, velocity"),
        ({"variant": {"velocity": "fast"}}, "`velocity` is 'fast'"),
        ({"schedule": "cosine"}, "`schedule` is 'cosine', but it is one of 'constant', 'steps', 'one-cycle'"),
        ({"precision": "half"}, "`precision` is 'half', but it is one of 'float32', 'bfloat16'"),
        ({"crop": -1}, "`crop` is -1, but it is an integer of at least 0"),
        ({"milestones": [0]}, "`milestones` is 0"),
    ],
    ids=str,
)
def test_choices_that_do_not_go_are_refused(choices, said):
    with pytest.raises(ValueError, match=said):
        TrainingConfig.for_data("cifar10", **({"backbone": "resnet32-global"} | choices))


def test_a_setting_without_a_value_is_refused():
    with pytest.raises(ValueError, match=r"`set` is 'epochs': it takes name=value, such as variant\.steps=5"):
        with_settings({}, ["epochs"])


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ("constant", [0.05] * 6),
        ("steps", [0.05, 0.05, 0.005, 0.005, 0.0005, 0.0005]),
        ("one-cycle", None),
    ],
)
def test_schedules(schedule, rates, tiny_config):
    parameter = torch.nn.Parameter(torch.zeros(()))
    optimiser = torch.optim.SGD([parameter], lr=0.05)
    made = make_schedule(optimiser, replace(tiny_config, schedule=schedule, milestones=(1, 2)), 2)
    found = []
    for _ in range(6):
        found.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        made.step()
    if rates is None:
        assert found[0] < 0.003
        assert max(found) == pytest.approx(0.05, rel=0.2)
        assert found[-1] < 1e-5
    else:
        assert found == pytest.approx(rates)


class StopError(Exception):
    pass


@pytest.mark.parametrize("change", [{}, {"channels_last": True, "precision": "bfloat16"}], ids=["float32", "bfloat16"])
def test_a_run_on_photographs_stops_and_goes_on_in_the_same_bits(change, photographs, tmp_path, tiny_config):
    from nnbridge.training import Observer

    class StopAfter(Observer):
        def on_epoch(self, record):
            if record.epoch == 2:
                raise StopError

    config = replace(tiny_config, **change)
    whole = train(config, photographs, tmp_path / "whole")
    with pytest.raises(StopError):
        train(config, photographs, tmp_path / "stopped", observers=[StopAfter()])
    resumed = resume(tmp_path / "stopped", photographs)
    assert (resumed.test_accuracy, resumed.confusion) == (whole.test_accuracy, whole.confusion)
    one, other = (load_model(tmp_path / name).state_dict() for name in ("whole", "stopped"))
    assert all(torch.equal(a, b) for a, b in zip(one.values(), other.values(), strict=True))
    assert sum(map(sum, whole.confusion)) == 20


def test_a_layer_s_variant_is_that_of_the_run(photographs, tmp_path, tiny_config):
    config = replace(tiny_config, epochs=1, variant=models.Variant(steps=2, velocity="none"))
    train(config, photographs, tmp_path / "run")
    layers = [m for m in load_model(tmp_path / "run").modules() if hasattr(m, "steps")]
    assert [(layer.steps, layer.velocity) for layer in layers] == [(2, "none")] * 3
    assert RunFolder(tmp_path / "run").config() == config


def test_a_run_that_diverges_says_where_its_last_good_state_is(photographs, tmp_path, tiny_config):
    with pytest.raises(DivergenceError, match=r"last.ckpt holds the state after epoch 0, the last good one"):
        train(replace(tiny_config, learning_rate=1e30, schedule="constant"), photographs, tmp_path / "run")


def test_the_command_takes_a_file_and_settings(photographs, tmp_path, monkeypatch):
    monkeypatch.setattr(data, "load", lambda name, data_dir: photographs)
    path = tmp_path / "mine.yaml"
    path.write_text("data: cifar10\nbackbone: resnet-tiny-global\nbatch_size: 16\n")
    given = ["train", "--config", str(path), "--set", "epochs=1", "--set", "variant.steps=2", "--device", "cpu"]
    result = CliRunner().invoke(app, [*given, "--out", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    config = RunFolder(tmp_path / "run").config()
    assert (config.epochs, config.variant.steps, config.batch_size) == (1, 2, 16)
    result = CliRunner().invoke(app, ["evaluate", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    assert "of 20 images" in result.output


@pytest.mark.parametrize("text", ["1e-3", "1E-3", "0.001", "1.0e-3"])
def test_numbers_are_numbers_however_they_are_written(text, tmp_path):
    """YAML 1.1 takes 1e-3 for a text."""
    path = tmp_path / "a.yaml"
    path.write_text(f"data: cifar10\nbackbone: resnet32-global\nweight_decay: {text}\nvariant: {{dt: {text}}}\n")
    choices = with_settings(read_choices(path), [f"learning_rate={text}", f"variant.norm_eps={text}"])
    config = TrainingConfig.for_data(**choices)
    assert (config.learning_rate, config.weight_decay, config.variant.dt, config.variant.norm_eps) == (1e-3,) * 4


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("epoch=3", "`choices` has unknown keys epoch: it takes backbone, data, epochs,"),
        ("learning_rate=fast", "`learning_rate` is 'fast', but it must be a finite number above 0"),
        ("momentum=true", "`momentum` is True, but it must be at least 0 and below 1"),
        ("milestones=[1", r"`set` is 'milestones=\[1', whose value is no YAML"),
    ],
)
def test_a_setting_that_is_no_choice_is_refused_in_a_sentence(setting, message):
    with pytest.raises(ValueError, match=message):
        TrainingConfig.for_data(**with_settings({"data": "digits", "backbone": "pde"}, [setting]))
