"""What training measures: one record an epoch, and the result of a run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EpochRecord:
    """A row of the log.

    Parameters
    ----------
    epoch
        Counted from 1.
    train_loss, train_accuracy
        Means over the images of the epoch, each at the weights it was met with; accuracy in per cent.
    test_accuracy
        Per cent, after the epoch.
    images_per_second
        Training images by the wall time of the training steps alone.
    seconds
        Wall time of the epoch, test included.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    test_accuracy: float
    images_per_second: float
    seconds: float


@dataclass(frozen=True)
class Metrics:
    """The result of a finished run.

    Parameters
    ----------
    test_accuracy
        Per cent, after the last epoch: the number to report.
    best_accuracy, best_epoch
        The largest test accuracy of any epoch and the first epoch that had it. It is chosen by the test images, so
        it is biased upwards.
    confusion
        Counts of test images after the last epoch, ``confusion[true][predicted]``.
    parameters
        Trainable numbers of the network.
    images_per_second
        Median over the epochs, training steps alone.
    seconds
        Wall time of all epochs.
    """

    test_accuracy: float
    best_accuracy: float
    best_epoch: int
    confusion: list[list[int]]
    parameters: int
    images_per_second: float
    seconds: float
