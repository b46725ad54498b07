"""What a trained network takes a picture for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Final

import torch
from torch import Tensor, nn

from nnbridge.data import KINDS, class_names
from nnbridge.data.pictures import read_picture
from nnbridge.training.config import TrainingConfig
from nnbridge.training.folder import RunFolder, load_checkpoint
from nnbridge.training.train import restored

GUESSES: Final = 5


@dataclass(frozen=True)
class Guess:
    """A class that a picture may be of.

    Parameters
    ----------
    label
        Counted from 0.
    name
        What the class is called.
    confidence
        The softmax of the logits, 0 to 1. It is not calibrated: of pictures with 0.9, more or fewer than nine in ten
        may be right, and a picture of none of the classes gets its confidences too.
    """

    label: int
    name: str
    confidence: float


class Classifier:
    """A network with the data set on whose classes it was trained.

    Parameters
    ----------
    model
        Left in evaluation mode.
    data
        Name of the data set, one of `nnbridge.data.available`.

    Raises
    ------
    ValueError
        If ``data`` is unknown.
    """

    def __init__(self, model: nn.Module, data: str) -> None:
        self.names = class_names(data)
        self.kind = KINDS[data]
        self.model = model.eval()

    @classmethod
    def load(cls, source: str | Path) -> Classifier:
        """Return the network that a run has trained, on the CPU.

        Parameters
        ----------
        source
            The folder of a run, for the network after its last complete epoch; or a checkpoint, such as its best.ckpt.

        Raises
        ------
        FileNotFoundError
            If there is neither.
        ValueError
            If the file is not a checkpoint of a run.
        """
        checkpoint = _read(Path(source))
        return cls(restored(checkpoint), TrainingConfig.from_dict(checkpoint["config"]).data)

    def confidences(self, images: Tensor) -> Tensor:
        """Return the softmax of the logits, float32 (N, classes), of bytes (N, colours, size, size).

        Each image is a batch of its own, so that its numbers do not depend, in their last bits, on the others.
        """
        with torch.no_grad():
            logits = [self.model(self.kind.normalise(image)) for image in images.split(1)]
        return torch.cat(logits).softmax(dim=1)

    def guesses(self, picture: str | Path, count: int = GUESSES) -> tuple[Guess, ...]:
        """Return the most likely classes of a picture file, at most ``count``, the likeliest first.

        How the file becomes an image of the data set: `nnbridge.data.pictures.read_picture`.

        Raises
        ------
        FileNotFoundError, ValueError
            As `read_picture` does.
        """
        image = read_picture(picture, self.kind.colours, self.kind.size)
        found = self.confidences(image[None])[0].topk(min(count, len(self.names)))
        pairs = zip(found.indices.tolist(), found.values.tolist(), strict=True)
        return tuple(Guess(label, self.names[label], confidence) for label, confidence in pairs)


def _read(source: Path) -> dict[str, Any]:
    """Return the checkpoint of a run or of a file."""
    if not source.is_file():
        run = RunFolder(source)
        run.config()  # says so if it is not a run
        source = run.last
    try:
        checkpoint = load_checkpoint(source)
    except (UnpicklingError, RuntimeError, EOFError):
        checkpoint = {}
    if not (isinstance(checkpoint, dict) and {"config", "model"} <= checkpoint.keys()):
        raise ValueError(f"{source} is not a checkpoint of a run: name a run's folder, or its last.ckpt or best.ckpt")
    return checkpoint
