"""What a training run is: every choice that its result depends on, with the published recipe as the default."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal, get_args

from nnbridge import data as datasets
from nnbridge.models.mnist import Kernel

Backbone = Literal["convolution", "residual", "pde"]
Device = Literal["auto", "cpu", "cuda"]

BACKBONES: Final[tuple[Backbone, ...]] = get_args(Backbone)


_SUITED: Final[dict[str, dict[str, Any]]] = {
    "digits": {"epochs": 30, "batch_size": 32, "learning_rate": 0.02},
}


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """A training run; the defaults are the recipe with which the paper trains its MNIST networks.

    Parameters
    ----------
    backbone
        ``"convolution"``, ``"residual"`` or ``"pde"``: the network ``mnist-<backbone>`` of `nnbridge.models`.
    data
        Name of the data set, one of `nnbridge.data.available`.
    epochs
        Passes over the training images, default 30.
    batch_size
        Images in a step, default 128.
    learning_rate
        Of stochastic gradient descent, constant, default 0.01.
    momentum
        Nesterov momentum, default 0.9; 0 turns it off.
    weight_decay
        Coefficient of the L2 penalty on all parameters, default 5e-4.
    clip_norm
        The gradient of all parameters together is scaled down to this norm, default 5.
    seed
        Of the initial weights and of the order of the images, default 0.
    device
        ``"cpu"``, ``"cuda"``, or ``"auto"``: the GPU if there is one.
    kernel
        Computes the PDE's steps: ``backend`` of `nnbridge.diffusion_advection`.
    threads
        CPU threads of torch. They belong to the result, since they decide the order of its sums. Default 1: the
        networks are too small to gain from a second one, and lose much where another process wants it too. The
        kernel runs on as many, and they change none of its bits.

    Raises
    ------
    ValueError
        If a value is outside its range, or a name is unknown.

    References
    ----------
    Kag and Saligrama, "Condensing CNNs with Partial Differential Equations", CVPR 2022, and the authors' code.
    """

    backbone: Backbone
    data: str = "mnist"
    epochs: int = 30
    batch_size: int = 128
    learning_rate: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 5e-4
    clip_norm: float = 5.0
    seed: int = 0
    device: Device = "auto"
    kernel: Kernel = "auto"
    threads: int = 1

    def __post_init__(self) -> None:
        _check_choice("backbone", self.backbone, BACKBONES)
        _check_choice("data", self.data, datasets.available())
        _check_choice("device", self.device, get_args(Device))
        _check_choice("kernel", self.kernel, get_args(Kernel))
        _check_integer("epochs", self.epochs, 1)
        _check_integer("batch_size", self.batch_size, 1)
        _check_integer("seed", self.seed, 0)
        _check_integer("threads", self.threads, 1)
        _check_range("learning_rate", self.learning_rate > 0, self.learning_rate, "a finite number above 0")
        _check_range("momentum", 0 <= self.momentum < 1, self.momentum, "at least 0 and below 1")
        _check_range("weight_decay", self.weight_decay >= 0, self.weight_decay, "a finite number, at least 0")
        if {self.kernel, self.device} == {"cpu", "cuda"}:
            raise ValueError(
                f"`kernel` is '{self.kernel}', but `device` is '{self.device}': choose the kernel 'auto' or 'torch'"
            )
        _check_range("clip_norm", self.clip_norm > 0, self.clip_norm, "a finite number above 0")

    @classmethod
    def for_data(cls, data: str, **choices: Any) -> TrainingConfig:
        """Return the recipe suited to a data set, with ``choices`` (arguments of the class) put over it.

        MNIST and Fashion-MNIST get the published recipe. The digits, 40 times fewer, get batches of 32 and a learning
        rate of 0.02: with the published recipe their networks would take 360 steps, of 14,000 on MNIST.
        """
        return cls(**({"data": data} | _SUITED.get(data, {}) | choices))

    @property
    def model(self) -> str:
        """Name of the network, as `nnbridge.models.create` takes it."""
        return f"mnist-{self.backbone}"

    def as_dict(self) -> dict[str, Any]:
        """Return the choices as a dictionary of strings and numbers."""
        return asdict(self)

    @classmethod
    def from_dict(cls, choices: dict[str, Any]) -> TrainingConfig:
        """Rebuild a config from `as_dict`.

        Raises
        ------
        ValueError
            If a key is unknown or a value is not valid.
        """
        unknown = sorted(choices.keys() - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(f"`choices` has unknown keys {', '.join(unknown)}: was it written by a newer version?")
        return cls(**choices)


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"`{name}` is {value!r}, but it is one of {', '.join(map(repr, choices))}")


def _check_integer(name: str, value: int, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"`{name}` is {value!r}, but it is an integer of at least {least}")


def _check_range(name: str, inside: bool, value: float, range_in_words: str) -> None:
    if not (inside and math.isfinite(value)):
        raise ValueError(f"`{name}` is {value!r}, but it must be {range_in_words}")
