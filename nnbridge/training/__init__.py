"""Train the networks, with everything that a run is kept in its folder."""

from __future__ import annotations

from nnbridge.training.config import BACKBONES, TrainingConfig
from nnbridge.training.divergence import DivergenceError
from nnbridge.training.folder import RunFolder
from nnbridge.training.observers import Observer
from nnbridge.training.predicting import Classifier, Guess
from nnbridge.training.records import EpochRecord, Metrics
from nnbridge.training.train import load_model, resume, train

__all__ = [
    "BACKBONES",
    "Classifier",
    "DivergenceError",
    "EpochRecord",
    "Guess",
    "Metrics",
    "Observer",
    "RunFolder",
    "TrainingConfig",
    "load_model",
    "resume",
    "train",
]
