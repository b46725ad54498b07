"""Train a network, or go on with an interrupted run: the epochs, and what is kept after each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import SGD

from nnbridge import data as datasets
from nnbridge import models
from nnbridge.data import Augmentation, Batches, Dataset, Normalisation
from nnbridge.models import MnistNet, ResNet
from nnbridge.models.resnet import SHAPES
from nnbridge.training.config import TrainingConfig
from nnbridge.training.evaluation import accuracy, confusion_matrix, predict
from nnbridge.training.folder import RunFolder, load_checkpoint, save_checkpoint
from nnbridge.training.loop import EpochSetup, train_epoch
from nnbridge.training.machine import accelerator, use_threads
from nnbridge.training.mesh_log import IMAGES, mesh_records
from nnbridge.training.observers import Observer, TensorBoard, tensorboard_available
from nnbridge.training.records import EpochRecord, Metrics
from nnbridge.training.schedules import make_schedule
from nnbridge.training.state import State


class DivergenceError(RuntimeError):
    """The loss of a run became infinite or NaN; the checkpoints are from before that."""


def train(
    config: TrainingConfig, dataset: Dataset, folder: str | Path, *, observers: Sequence[Observer] = ()
) -> Metrics:
    """Train a network from its random initial weights and keep everything in ``folder``.

    A checkpoint is written before the first epoch and after each, so a run that is stopped at any moment goes on, with
    `resume`, from its last complete epoch; on a CPU it then ends in the same bits as if it had not been stopped.

    Parameters
    ----------
    config
        The choices of the run.
    dataset
        The images that ``config.data`` names, from `nnbridge.data.load`.
    folder
        A folder in which no run has been started yet; see `nnbridge.training.folder` for the files.
    observers
        Told of every step and epoch.

    Raises
    ------
    DivergenceError
        If the loss becomes infinite or NaN.
    FileExistsError
        If ``folder`` holds a run.
    ValueError
        If ``dataset`` is another than ``config`` names, or the device is not there.
    """
    run = RunFolder(folder)
    run.start(config)
    with use_threads(config.threads):
        return _fit(config, dataset, run, None, observers)


def resume(folder: str | Path, dataset: Dataset, *, observers: Sequence[Observer] = ()) -> Metrics:
    """Go on with an interrupted run from its last complete epoch; a finished run is only read.

    Raises
    ------
    FileNotFoundError
        If ``folder`` holds no run.
    DivergenceError, ValueError
        As `train`.
    """
    run = RunFolder(folder)
    if run.finished:
        return run.read_metrics()
    config = run.config()
    with use_threads(config.threads):
        return _fit(config, dataset, run, load_checkpoint(run.last), observers)


def load_model(folder: str | Path) -> MnistNet | ResNet:
    """Return the network of a run, on the CPU, with the weights of its last complete epoch.

    Raises
    ------
    FileNotFoundError
        If ``folder`` holds no run.
    """
    run = RunFolder(folder)
    run.config()  # says so if it is not a run
    return restored(load_checkpoint(run.last))


def restored(checkpoint: dict[str, Any]) -> MnistNet | ResNet:
    """Return the network of a checkpoint, on the CPU, whatever it was trained on."""
    config = TrainingConfig.from_dict(checkpoint["config"])
    model = make_model(replace(config, kernel="auto") if config.kernel == "cuda" else config)
    model.load_state_dict(checkpoint["model"])
    return model


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


def _fit(
    config: TrainingConfig,
    dataset: Dataset,
    run: RunFolder,
    checkpoint: dict[str, Any] | None,
    observers: Sequence[Observer],
) -> Metrics:
    if dataset.name != config.data:
        raise ValueError(f"`dataset` is {dataset.name!r}, but the run is on {config.data!r}: load that")
    precision: Any = "bf16-mixed" if config.precision == "bfloat16" else "32-true"
    fabric = Fabric(accelerator=accelerator(config.device), devices=1, precision=precision)
    train_split, test_split = dataset.train.to(fabric.device), dataset.test.to(fabric.device)
    torch.manual_seed(config.seed)
    model = make_model(config)
    if config.channels_last:
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = SGD(
        model.parameters(),
        lr=config.learning_rate,
        momentum=config.momentum,
        nesterov=config.momentum > 0,
        weight_decay=config.weight_decay,
    )
    wrapped_model, wrapped_optimizer = fabric.setup(model, optimizer)
    batches = Batches(train_split, config.batch_size, config.seed)
    schedule = make_schedule(optimizer, config, len(batches))
    normalise = Normalisation(dataset.mean, dataset.std)
    augmentation = Augmentation(
        normalise, padding=config.crop, flip=config.flip, cutout=config.cutout, seed=config.seed
    )
    state = State(model, optimizer, schedule, batches, augmentation, [], [])
    prepare: Callable[[Tensor], Tensor] = augmentation if config.crop or config.flip or config.cutout else normalise
    if config.channels_last:
        prepare = partial(_channels_last, prepare)
    setup = EpochSetup(fabric, wrapped_model, wrapped_optimizer, schedule, batches, prepare, config.clip_norm)
    if checkpoint is None:
        save_checkpoint(run.last, state.capture(config))
    else:
        state.restore(checkpoint)
    run.note_environment()
    run.write_log(state.history)
    if tensorboard_available():
        observers = [*observers, TensorBoard(run.path, len(state.history) + 1)]

    for epoch in range(len(state.history) + 1, config.epochs + 1):
        start = perf_counter()
        try:
            loss, train_accuracy = train_epoch(setup, epoch, observers)
        except FloatingPointError as error:
            raise DivergenceError(
                f"{error}: training stopped. {run.last} holds the state after epoch {epoch - 1}, the last good one. "
                f"A learning rate below {config.learning_rate:g} may help"
            ) from None
        trained = perf_counter()
        test_accuracy = accuracy(predict(model, test_split, normalise), test_split.labels, dataset.classes)
        state.mesh += mesh_records(model, normalise(test_split.images[:IMAGES]), epoch)
        speed = len(train_split) / (trained - start)
        state.history.append(EpochRecord(epoch, loss, train_accuracy, test_accuracy, speed, perf_counter() - start))
        _keep(state, config, run)
        for observer in observers:
            observer.on_epoch(state.history[-1])

    predicted = predict(model, test_split, normalise)
    metrics = _summarise(model, predicted, test_split.labels, dataset.classes, state.history)
    run.write_metrics(metrics)
    return metrics


def _keep(state: State, config: TrainingConfig, run: RunFolder) -> None:
    """Write the checkpoints and the log after an epoch; the checkpoint comes first, because resume trusts it alone."""
    checkpoint = state.capture(config)
    accuracies = [record.test_accuracy for record in state.history]
    if accuracies[-1] > max(accuracies[:-1], default=-1.0):
        save_checkpoint(run.best, checkpoint)
    save_checkpoint(run.last, checkpoint)
    run.write_log(state.history)
    run.write_mesh(state.mesh)


def _channels_last(prepare: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    return prepare(images).contiguous(memory_format=torch.channels_last)


def _summarise(
    model: nn.Module, predicted: Tensor, labels: Tensor, classes: int, history: Sequence[EpochRecord]
) -> Metrics:
    best = max(history, key=lambda record: record.test_accuracy)
    return Metrics(
        test_accuracy=accuracy(predicted, labels, classes),
        best_accuracy=best.test_accuracy,
        best_epoch=best.epoch,
        confusion=confusion_matrix(predicted, labels, classes),
        parameters=models.count_parameters(model),
        images_per_second=median(record.images_per_second for record in history),
        seconds=sum(record.seconds for record in history),
    )
