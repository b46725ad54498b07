"""What a training run is: every choice that its result depends on, with the published recipe as the default."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, Literal, get_args

from nnbridge import data as datasets
from nnbridge.models.mnist import IMAGE_SIZE, Kernel
from nnbridge.models.resnet import SHAPES
from nnbridge.training.schedules import CONSTANT, SCHEDULES
from nnbridge.variants import Variant

Backbone = str
Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["float32", "bfloat16"]

BACKBONES: Final = ("convolution", "residual", "pde")
NETWORKS: Final = (*BACKBONES, *SHAPES)

_PHOTOGRAPHS: Final = {
    "epochs": 300,
    "learning_rate": 0.1,
    "schedule": "steps",
    "crop": 4,
    "flip": True,
}
_SUITED: Final[dict[str, dict[str, Any]]] = {
    "digits": {"epochs": 30, "batch_size": 32, "learning_rate": 0.02},
    "cifar10": _PHOTOGRAPHS,
    "cifar100": _PHOTOGRAPHS,
}
_FOUR_STAGES: Final = {"batch_size": 32, "weight_decay": 6e-5}


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """A training run; the defaults are the recipe with which the paper trains its MNIST networks.

    Parameters
    ----------
    backbone
        ``"convolution"``, ``"residual"`` or ``"pde"``: the network ``mnist-<backbone>`` of `nnbridge.models`, for
        planes of 28 x 28; or the name of one of its residual networks.
    data
        Name of the data set, one of `nnbridge.data.available`.
    epochs
        Passes over the training images, default 30.
    batch_size
        Images in a step, default 128; of all processes together.
    learning_rate
        Of stochastic gradient descent, default 0.01.
    schedule
        What becomes of it: ``"constant"`` (default); ``"steps"``, a tenth after each of ``milestones``;
        ``"one-cycle"``, up to it and down to nearly nothing, step by step (L. N. Smith, arXiv:1803.09820).
    milestones
        Epochs after which ``"steps"`` takes a tenth, default 150 and 225.
    crop, flip, cutout
        What is done to training images at random, see `nnbridge.data.augmentation`; default 0, False, 0: nothing.
    momentum
        Nesterov momentum, default 0.9; 0 turns it off.
    weight_decay
        Coefficient of the L2 penalty on all parameters, default 5e-4.
    clip_norm
        The gradient of all parameters together is scaled down to this norm, default 5.
    ema
        Decay a step of an exponential average of the network, such as 0.999; the average is then what is tested and
        what `load_model` returns. Default 0: none.
    norm_images
        Training images, the first so many, augmented, over which the statistics of all BatchNorms are taken anew before
        each test, such as 5000. Default 0: the averages over the last steps, as published.
    seed
        Of the initial weights and of the order of the images, default 0.
    device
        ``"cpu"``, ``"cuda"``, or ``"auto"``: the GPU if there is one.
    kernel
        Computes the PDE's steps: ``backend`` of `nnbridge.diffusion_advection`.
    variant
        How the Global layers work, of a network that has some; see `nnbridge.Variant`.
    precision
        ``"float32"`` (default), or ``"bfloat16"``: convolutions in it, by autocast; the equation stays in float32.
    channels_last
        Whether images and weights lie with their channels last, default False.
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
    schedule: str = CONSTANT
    milestones: tuple[int, ...] = (150, 225)
    crop: int = 0
    flip: bool = False
    cutout: int = 0
    momentum: float = 0.9
    weight_decay: float = 5e-4
    clip_norm: float = 5.0
    ema: float = 0.0
    norm_images: int = 0
    seed: int = 0
    device: Device = "auto"
    kernel: Kernel = "auto"
    variant: Variant = field(default_factory=Variant)
    precision: Precision = "float32"
    channels_last: bool = False
    threads: int = 1

    def __post_init__(self) -> None:
        _check_choice("backbone", self.backbone, NETWORKS)
        _check_choice("data", self.data, datasets.available())
        _check_choice("device", self.device, get_args(Device))
        _check_choice("kernel", self.kernel, get_args(Kernel))
        _check_choice("schedule", self.schedule, SCHEDULES)
        _check_choice("precision", self.precision, get_args(Precision))
        for name in ("crop", "cutout"):
            _check_integer(name, getattr(self, name), 0)
        object.__setattr__(self, "milestones", tuple(self.milestones))  # a file gives a list
        for milestone in self.milestones:
            _check_integer("milestones", milestone, 1)
        kind = datasets.KINDS[self.data]
        if self.backbone in BACKBONES and (kind.colours, kind.size) != (1, IMAGE_SIZE):
            raise ValueError(
                f"`backbone` {self.backbone!r} takes planes of {IMAGE_SIZE} x {IMAGE_SIZE} in one colour, and "
                f"{self.data} has {kind.size} x {kind.size} in {kind.colours}: take one of {', '.join(SHAPES)}"
            )
        if isinstance(self.variant, dict):  # of a file
            object.__setattr__(self, "variant", _variant(self.variant))
        if self.variant != Variant() and not (self.backbone in SHAPES and SHAPES[self.backbone].condensed):
            raise ValueError(f"`variant` goes with the networks that have a Global layer, and {self.backbone} has none")
        self.variant.layer(1)  # raises what is wrong with its choices
        _check_integer("epochs", self.epochs, 1)
        _check_integer("batch_size", self.batch_size, 1)
        _check_integer("seed", self.seed, 0)
        _check_integer("norm_images", self.norm_images, 0)
        if self.norm_images == 1:
            raise ValueError("`norm_images` is 1, but a mean square deviation takes two: give 0 for none, or many")
        _check_integer("threads", self.threads, 1)
        _check_range("learning_rate", self.learning_rate, lambda value: value > 0, "a finite number above 0")
        _check_range("momentum", self.momentum, lambda value: 0 <= value < 1, "at least 0 and below 1")
        _check_range("weight_decay", self.weight_decay, lambda value: value >= 0, "a finite number, at least 0")
        if {self.kernel, self.device} == {"cpu", "cuda"}:
            raise ValueError(
                f"`kernel` is '{self.kernel}', but `device` is '{self.device}': choose the kernel 'auto' or 'torch'"
            )
        _check_range("clip_norm", self.clip_norm, lambda value: value > 0, "a finite number above 0")
        _check_range("ema", self.ema, lambda value: 0 <= value < 1, "at least 0 and below 1")

    @classmethod
    def for_data(cls, data: str, **choices: Any) -> TrainingConfig:
        """Return the recipe suited to a data set, with ``choices`` (arguments of the class) put over it.

        MNIST, Fashion-MNIST and CIFAR get the published recipes: on CIFAR the condensed networks, and those of four
        stages that are compared with them, batches of 32 and a weight decay of 6e-5. The digits, 40 times fewer than
        MNIST, get batches of 32 and a learning rate of 0.02: with the published recipe their networks would take 360
        steps, of 14,000 on MNIST.
        """
        _check_known("choices", {"data": data} | choices, cls)
        shape = SHAPES.get(str(choices.get("backbone")))
        staged = _FOUR_STAGES if shape and len(shape.widths) == 4 and data in ("cifar10", "cifar100") else {}
        return cls(**({"data": data} | _SUITED.get(data, {}) | staged | choices))

    @property
    def model(self) -> str:
        """Name of the network, as `nnbridge.models.create` takes it."""
        return f"mnist-{self.backbone}" if self.backbone in BACKBONES else self.backbone

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
        _check_known("choices", choices, cls, ": was it written by a newer version?")
        return cls(**choices)


def _variant(choices: dict[str, Any]) -> Variant:
    _check_known("variant", choices, Variant)
    return Variant(**choices)


def _check_known(name: str, choices: dict[str, Any], takes: type[Any], remedy: str = "") -> None:
    known = [field.name for field in fields(takes)]
    unknown = sorted(choices.keys() - set(known))
    if unknown:
        raise ValueError(f"`{name}` has unknown keys {', '.join(unknown)}{remedy or ': it takes ' + ', '.join(known)}")


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"`{name}` is {value!r}, but it is one of {', '.join(map(repr, choices))}")


def _check_integer(name: str, value: int, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"`{name}` is {value!r}, but it is an integer of at least {least}")


def _check_range(name: str, value: Any, inside: Callable[[float], bool], range_in_words: str) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (number and math.isfinite(value) and inside(value)):
        raise ValueError(f"`{name}` is {value!r}, but it must be {range_in_words}")
