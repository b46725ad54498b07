"""Train a network, or go on with an interrupted run: the epochs, and what is kept after each."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, cast

from torch import Tensor

from nnbridge import models
from nnbridge.data import Dataset, Normalisation
from nnbridge.models import MnistNet, ResNet
from nnbridge.processes import processes
from nnbridge.training.assembly import assemble, make_augmentation, make_model
from nnbridge.training.averaging import make_average, restore_average
from nnbridge.training.config import TrainingConfig
from nnbridge.training.divergence import DivergenceError, suspect_layer
from nnbridge.training.evaluation import accuracy, confusion_matrix, predict
from nnbridge.training.folder import RunFolder, load_checkpoint, save_checkpoint
from nnbridge.training.holding import held
from nnbridge.training.loop import train_epoch
from nnbridge.training.machine import make_fabric, use_threads
from nnbridge.training.mesh_log import IMAGES, mesh_records
from nnbridge.training.observers import Observer, TensorBoard, tensorboard_available
from nnbridge.training.records import EpochRecord, Metrics
from nnbridge.training.settling import settle
from nnbridge.training.state import State


def train(
    config: TrainingConfig, dataset: Dataset, folder: str | Path, *, observers: Sequence[Observer] = ()
) -> Metrics:
    """Train a network from its random initial weights and keep everything in ``folder``.

    Of several processes, which ``torchrun`` starts, each calls this with the same arguments and trains on its share of
    every batch; the first writes the files and tells the observers, and all return the same accuracies.

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
        If ``dataset`` is another than ``config`` names, the device is not there, or another process trains there.
    """
    run = RunFolder(folder)
    if processes().first:
        run.start(config)
    with use_threads(config.threads), _alone(run):
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
    with use_threads(config.threads), _alone(run):
        return _fit(config, dataset, run, load_checkpoint(run.last), observers)


def _alone(run: RunFolder) -> AbstractContextManager[None]:
    """Keep others out of the folder; of several processes that make a run the first does, for all of them."""
    return held(run.path) if processes().first else nullcontext()


def load_model(folder: str | Path) -> MnistNet | ResNet:
    """Return the network of a run, on the CPU, as it was after its last complete epoch; with ``ema`` its average.

    Raises
    ------
    FileNotFoundError
        If ``folder`` holds no run.
    ValueError
        If the run has ``ema`` and its checkpoint no average.
    """
    run = RunFolder(folder)
    run.config()  # says so if it is not a run
    return restored(load_checkpoint(run.last))


def restored(checkpoint: dict[str, Any]) -> MnistNet | ResNet:
    """Return the network of a checkpoint, or its average if the run has ``ema``, on the CPU, whatever it ran on."""
    config = TrainingConfig.from_dict(checkpoint["config"])
    model = make_model(replace(config, kernel="auto") if config.kernel == "cuda" else config)
    average = make_average(model, config.ema)
    if average is None:
        model.load_state_dict(checkpoint["model"])
        return model
    restore_average(average, checkpoint)
    return cast(MnistNet | ResNet, average.module)


def _fit(
    config: TrainingConfig,
    dataset: Dataset,
    run: RunFolder,
    checkpoint: dict[str, Any] | None,
    observers: Sequence[Observer],
) -> Metrics:
    if dataset.name != config.data:
        raise ValueError(f"`dataset` is {dataset.name!r}, but the run is on {config.data!r}: load that")
    fabric = make_fabric(config)
    writes = fabric.is_global_zero
    state, setup = assemble(config, dataset, fabric)
    test_split, normalise = dataset.test.to(fabric.device), Normalisation(dataset.mean, dataset.std)
    if checkpoint is not None:
        state.restore(checkpoint)
    elif writes:
        save_checkpoint(run.last, state.capture(config))
    observers = _begin(state, run, observers) if writes else ()

    for epoch in range(len(state.history) + 1, config.epochs + 1):
        start = perf_counter()
        try:
            loss, train_accuracy = train_epoch(setup, epoch, observers)
        except FloatingPointError as error:
            layer = suspect_layer(state.model, normalise(test_split.images[:IMAGES]), state.mesh)
            raise DivergenceError(
                f"{error}: training stopped. {run.last} holds the state after epoch {epoch - 1}, the last good one. "
                f"A learning rate below {config.learning_rate:g} may help{layer}"
            ) from None
        speed = len(dataset.train) / (perf_counter() - start)
        if config.norm_images:
            settle(state.tested, setup.batches.split.images[: config.norm_images], make_augmentation(config, dataset))
        test_accuracy = accuracy(predict(state.tested, test_split, normalise), test_split.labels, dataset.classes)
        state.mesh += mesh_records(state.tested, normalise(test_split.images[:IMAGES]), epoch)
        state.history.append(EpochRecord(epoch, loss, train_accuracy, test_accuracy, speed, perf_counter() - start))
        if writes:
            _keep(state, config, run)
        for observer in observers:
            observer.on_epoch(state.history[-1])

    predicted = predict(state.tested, test_split, normalise)
    metrics = _summarise(state, predicted, test_split.labels, dataset.classes)
    if writes:
        run.write_metrics(metrics)
    fabric.barrier()  # no process returns before the files are there
    return metrics


def _begin(state: State, run: RunFolder, observers: Sequence[Observer]) -> Sequence[Observer]:
    """Note in the folder that the run begins or goes on; return who watches it."""
    run.note_environment()
    run.write_log(state.history)
    return [*observers, TensorBoard(run.path, len(state.history) + 1)] if tensorboard_available() else observers


def _keep(state: State, config: TrainingConfig, run: RunFolder) -> None:
    """Write the checkpoints and the log after an epoch; the checkpoint comes first, because resume trusts it alone."""
    checkpoint = state.capture(config)
    accuracies = [record.test_accuracy for record in state.history]
    if accuracies[-1] > max(accuracies[:-1], default=-1.0):
        save_checkpoint(run.best, checkpoint)
    save_checkpoint(run.last, checkpoint)
    run.write_log(state.history)
    run.write_mesh(state.mesh)


def _summarise(state: State, predicted: Tensor, labels: Tensor, classes: int) -> Metrics:
    history = state.history
    best = max(history, key=lambda record: record.test_accuracy)
    return Metrics(
        test_accuracy=accuracy(predicted, labels, classes),
        best_accuracy=best.test_accuracy,
        best_epoch=best.epoch,
        confusion=confusion_matrix(predicted, labels, classes),
        parameters=models.count_parameters(state.model),
        images_per_second=median(record.images_per_second for record in history),
        seconds=sum(record.seconds for record in history),
    )
