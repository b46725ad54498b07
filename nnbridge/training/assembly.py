"""The moving parts of a run, made of its choices; the order in which they draw random numbers is part of a run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.optim import SGD

from nnbridge import data as datasets
from nnbridge import models
from nnbridge.data import Augmentation, Batches, Dataset, Normalisation
from nnbridge.models import MnistNet, ResNet
from nnbridge.models.resnet import SHAPES
from nnbridge.training.averaging import make_average
from nnbridge.training.config import TrainingConfig
from nnbridge.training.loop import EpochSetup
from nnbridge.training.schedules import make_schedule
from nnbridge.training.state import State
from nnbridge.training.synced_norm import synchronise


def make_model(config: TrainingConfig) -> MnistNet | ResNet:
    """Return the network of a config, its weights drawn from torch's generator."""
    kind = datasets.KINDS[config.data]
    condensed = config.backbone in SHAPES and SHAPES[config.backbone].condensed
    return models.create(
        config.model,
        in_channels=kind.colours,
        num_classes=kind.classes,
        kernel=config.kernel,
        variant=config.variant if condensed else None,
    )


def assemble(config: TrainingConfig, dataset: Dataset, fabric: Fabric) -> tuple[State, EpochSetup]:
    """Return the state of a run before its first epoch, and what its epochs are made with."""
    torch.manual_seed(config.seed)
    model = make_model(config)
    if config.channels_last:
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network = model if fabric.world_size == 1 else synchronise(model, fabric.device)
    optimizer = SGD(
        network.parameters(),
        lr=config.learning_rate,
        momentum=config.momentum,
        nesterov=config.momentum > 0,
        weight_decay=config.weight_decay,
    )
    wrapped_model, wrapped_optimizer = fabric.setup(network, optimizer)
    average = make_average(network, config.ema)
    batches = Batches(dataset.train.to(fabric.device), config.batch_size, config.seed)
    schedule = make_schedule(optimizer, config, len(batches))
    augmentation = make_augmentation(config, dataset)
    state = State(network, average, optimizer, schedule, batches, augmentation, [], [])
    prepare: Callable[[Tensor], Tensor] = augmentation
    if not (config.crop or config.flip or config.cutout):
        prepare = Normalisation(dataset.mean, dataset.std)
    if config.channels_last:
        prepare = partial(_channels_last, prepare)
    return state, EpochSetup(
        fabric, wrapped_model, average, wrapped_optimizer, schedule, batches, prepare, config.clip_norm
    )


def make_augmentation(config: TrainingConfig, dataset: Dataset) -> Augmentation:
    """Return what makes of training images what a network takes, at the beginning of its random numbers."""
    normalise = Normalisation(dataset.mean, dataset.std)
    return Augmentation(normalise, padding=config.crop, flip=config.flip, cutout=config.cutout, seed=config.seed)


def _channels_last(prepare: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    return prepare(images).contiguous(memory_format=torch.channels_last)
