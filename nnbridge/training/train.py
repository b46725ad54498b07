"""The training loop: Lightning Fabric for devices and gradients, an ordinary loop for the rest.

A step of the convolution network on a batch of 128 takes 2.6 ms of one CPU core in bare torch. Fabric adds 0.3 ms;
Lightning's Trainer adds 0.8 ms, and 1.9 ms with a progress bar and a logged loss.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numba
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import SGD, Optimizer

from nnbridge import models
from nnbridge.data import Batches, Dataset, Split
from nnbridge.models import MnistNet
from nnbridge.training.config import Device, TrainingConfig
from nnbridge.training.evaluation import accuracy, confusion_matrix, predict
from nnbridge.training.folder import RunFolder, load_checkpoint, save_checkpoint
from nnbridge.training.observers import Observer, TensorBoard, tensorboard_available
from nnbridge.training.records import EpochRecord, Metrics

_CHECK_STEPS = 50


class DivergenceError(RuntimeError):
    """The loss of a run became infinite or NaN; the checkpoints are from before that."""


@dataclass
class _State:
    """Everything that the next epoch depends on."""

    model: nn.Module
    optimizer: Optimizer
    batches: Batches
    history: list[EpochRecord]

    def capture(self, config: TrainingConfig) -> dict[str, Any]:
        return {
            "config": config.as_dict(),
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "batches": self.batches.state_dict(),
            "generator": torch.get_rng_state(),
            "cuda_generators": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            "history": [asdict(record) for record in self.history],
        }

    def restore(self, checkpoint: dict[str, Any]) -> None:
        self.model.load_state_dict(checkpoint["model"])
        self.optimizer.load_state_dict(checkpoint["optimizer"])
        self.batches.load_state_dict(checkpoint["batches"])
        torch.set_rng_state(checkpoint["generator"])
        if torch.cuda.is_available() and checkpoint["cuda_generators"]:
            torch.cuda.set_rng_state_all(checkpoint["cuda_generators"])
        self.history = [EpochRecord(**record) for record in checkpoint["history"]]


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
    with _use_threads(config.threads):
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
    with _use_threads(config.threads):
        return _fit(config, dataset, run, load_checkpoint(run.last), observers)


def load_model(folder: str | Path) -> MnistNet:
    """Return the network of a run, on the CPU, with the weights of its last complete epoch.

    Raises
    ------
    FileNotFoundError
        If ``folder`` holds no run.
    """
    run = RunFolder(folder)
    config = run.config()
    model = models.create(config.model, kernel=config.kernel)
    model.load_state_dict(load_checkpoint(run.last)["model"])
    return model


def _fit(
    config: TrainingConfig,
    dataset: Dataset,
    run: RunFolder,
    checkpoint: dict[str, Any] | None,
    observers: Sequence[Observer],
) -> Metrics:
    if dataset.name != config.data:
        raise ValueError(f"`dataset` is {dataset.name!r}, but the run is on {config.data!r}: load that")
    fabric = Fabric(accelerator=_accelerator(config.device), devices=1)
    train_split, test_split = dataset.train.to(fabric.device), dataset.test.to(fabric.device)
    torch.manual_seed(config.seed)
    model = models.create(config.model, kernel=config.kernel)
    optimizer = SGD(
        model.parameters(),
        lr=config.learning_rate,
        momentum=config.momentum,
        nesterov=config.momentum > 0,
        weight_decay=config.weight_decay,
    )
    wrapped_model, wrapped_optimizer = fabric.setup(model, optimizer)
    state = _State(model, optimizer, Batches(train_split, config.batch_size, config.seed), [])
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
            loss, train_accuracy = _train_epoch(
                fabric, wrapped_model, wrapped_optimizer, state.batches, config.clip_norm, epoch, observers
            )
        except FloatingPointError as error:
            raise DivergenceError(
                f"{error}: training stopped. {run.last} holds the state after epoch {epoch - 1}, the last good one. "
                f"A learning rate below {config.learning_rate:g} may help"
            ) from None
        trained = perf_counter()
        test_accuracy = accuracy(predict(model, test_split), test_split.labels)
        speed = len(train_split) / (trained - start)
        state.history.append(EpochRecord(epoch, loss, train_accuracy, test_accuracy, speed, perf_counter() - start))
        _keep(state, config, run)
        for observer in observers:
            observer.on_epoch(state.history[-1])

    metrics = _summarise(model, test_split, state.history)
    run.write_metrics(metrics)
    return metrics


def _train_epoch(
    fabric: Fabric,
    model: nn.Module,
    optimizer: Optimizer,
    batches: Batches,
    clip_norm: float,
    epoch: int,
    observers: Sequence[Observer],
) -> tuple[float, float]:
    """Take one step for each batch; return mean loss and accuracy in per cent."""
    model.train()
    loss_sum = torch.zeros((), device=fabric.device)
    correct = torch.zeros((), dtype=torch.int64, device=fabric.device)
    steps = len(batches)
    for step, (images, labels) in enumerate(batches, start=1):
        optimizer.zero_grad()
        logits: Tensor = model(images)
        loss = cross_entropy(logits, labels)
        fabric.backward(loss)
        fabric.clip_gradients(model, optimizer, max_norm=clip_norm, error_if_nonfinite=False)
        optimizer.step()

        # The sums stay on the device: reading them waits for the GPU, so that is done rarely. NaN and inf stay in them.
        loss_sum += loss.detach() * len(labels)
        correct += (logits.detach().argmax(dim=1) == labels).sum()
        if (step % _CHECK_STEPS == 0 or step == steps) and not torch.isfinite(loss_sum):
            raise FloatingPointError(f"the loss is not finite in epoch {epoch}, by step {step} of {steps}")
        for observer in observers:
            observer.on_step(epoch, step, steps)
    count = len(batches.split)
    return float(loss_sum) / count, 100 * int(correct) / count


def _keep(state: _State, config: TrainingConfig, run: RunFolder) -> None:
    """Write the checkpoints and the log after an epoch; the checkpoint comes first, because resume trusts it alone."""
    checkpoint = state.capture(config)
    accuracies = [record.test_accuracy for record in state.history]
    if accuracies[-1] > max(accuracies[:-1], default=-1.0):
        save_checkpoint(run.best, checkpoint)
    save_checkpoint(run.last, checkpoint)
    run.write_log(state.history)


def _summarise(model: nn.Module, test: Split, history: Sequence[EpochRecord]) -> Metrics:
    predicted = predict(model, test)
    best = max(history, key=lambda record: record.test_accuracy)
    return Metrics(
        test_accuracy=accuracy(predicted, test.labels),
        best_accuracy=best.test_accuracy,
        best_epoch=best.epoch,
        confusion=confusion_matrix(predicted, test.labels),
        parameters=models.count_parameters(model),
        images_per_second=median(record.images_per_second for record in history),
        seconds=sum(record.seconds for record in history),
    )


@contextmanager
def _use_threads(count: int) -> Iterator[None]:
    """Give torch and the kernel ``count`` CPU threads within the block; the kernel never more than it had.

    Numba comes first: when it is first asked, it starts its OpenMP threads, and with them resets torch's number.
    """
    before = torch.get_num_threads(), numba.get_num_threads()
    torch.set_num_threads(count)
    numba.set_num_threads(min(count, before[1]))
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        numba.set_num_threads(before[1])


def _accelerator(device: Device) -> str:
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("`device` is 'cuda', but torch sees no CUDA GPU here: choose 'cpu' or 'auto'")
    return device
