"""The choices of a run: their defaults, and what is refused."""

import math

import pytest

from nnbridge.training import TrainingConfig


def test_the_default_is_the_published_recipe():
    config = TrainingConfig(backbone="pde")
    assert config == TrainingConfig.for_data("mnist", backbone="pde")
    assert (config.epochs, config.batch_size, config.learning_rate) == (30, 128, 0.01)
    assert (config.momentum, config.weight_decay, config.clip_norm) == (0.9, 5e-4, 5.0)


def test_a_choice_overrides_the_recipe_of_the_data_set():
    config = TrainingConfig.for_data("digits", backbone="pde", epochs=3)
    assert config.epochs == 3
    assert config.batch_size == TrainingConfig.for_data("digits", backbone="residual").batch_size != 128


def test_a_config_survives_a_dictionary():
    config = TrainingConfig(backbone="residual", data="digits", seed=5, learning_rate=0.125)
    assert TrainingConfig.from_dict(config.as_dict()) == config
    with pytest.raises(ValueError, match="unknown keys warmup: was it written by a newer version"):
        TrainingConfig.from_dict(config.as_dict() | {"warmup": 3})


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"backbone": "resnet"}, "`backbone` is 'resnet', but it is one of 'convolution', 'residual', 'pde'"),
        ({"data": "cifar"}, "`data` is 'cifar', but it is one of 'digits', 'mnist', 'fashion-mnist'"),
        ({"device": "tpu"}, "`device` is 'tpu', but it is one of 'auto', 'cpu', 'cuda'"),
        ({"kernel": "numpy"}, "`kernel` is 'numpy', but it is one of 'auto', 'cpu', 'cuda', 'torch'"),
        ({"kernel": "cpu", "device": "cuda"}, "`kernel` is 'cpu', but `device` is 'cuda'"),
        ({"epochs": 0}, "`epochs` is 0, but it is an integer of at least 1"),
        ({"epochs": 1.5}, "`epochs` is 1.5, but it is an integer"),
        ({"epochs": True}, "`epochs` is True, but it is an integer"),
        ({"batch_size": 0}, "`batch_size` is 0"),
        ({"seed": -1}, "`seed` is -1, but it is an integer of at least 0"),
        ({"threads": 0}, "`threads` is 0"),
        ({"learning_rate": 0.0}, "`learning_rate` is 0.0, but it must be a finite number above 0"),
        ({"learning_rate": math.inf}, "`learning_rate` is inf"),
        ({"momentum": 1.0}, "`momentum` is 1.0, but it must be at least 0 and below 1"),
        ({"weight_decay": -1e-4}, "`weight_decay` is -0.0001"),
        ({"clip_norm": math.nan}, "`clip_norm` is nan"),
        ({"ema": 1.0}, "`ema` is 1.0, but it must be at least 0 and below 1"),
        ({"ema": -0.1}, "`ema` is -0.1"),
    ],
    ids=str,
)
def test_a_choice_out_of_range_is_refused(choice, message):
    with pytest.raises(ValueError, match=message):
        TrainingConfig(**({"backbone": "pde"} | choice))
