"""What each of two processes does: every run that a folder asks for, then a norm over the images of both.

    torchrun --nproc-per-node 2 two_processes.py FOLDER

FOLDER/norm.pt holds batches and how they are shared out; what this process makes of its shares goes to norm-RANK.pt.
FOLDER/*/job.pt asks for a run, which is resumed where its folder holds one; a copy of what it was after its first epoch
is kept in first/, and what ended it, if something did, in error-RANK.txt.
"""

import os
import shutil
import sys
from pathlib import Path

import torch
from torch import distributed, nn

from nnbridge.cli import app
from nnbridge.data import Dataset, Split
from nnbridge.training import DivergenceError, Observer, RunFolder, TrainingConfig, resume, train
from nnbridge.training.synced_norm import synchronise

EPS = 0.01
RUN = "run"
COPY = "first"


class KeepFirst(Observer):
    """Copies the folder of a run as it is after the first epoch: that of a run which was stopped there."""

    def __init__(self, job: Path) -> None:
        self.job = job

    def on_epoch(self, record):
        if record.epoch == 1:
            shutil.copytree(self.job / RUN, self.job / COPY)


def write_job(job: Path, config: TrainingConfig, dataset: Dataset) -> None:
    """Ask for a run."""
    job.mkdir()
    splits = [t for split in (dataset.train, dataset.test) for t in (split.images, split.labels)]
    torch.save(
        {"config": config.as_dict(), "splits": splits, "normalised": (dataset.mean, dataset.std)}, job / "job.pt"
    )


def run_job(job: Path) -> None:
    """Train, or go on."""
    asked = torch.load(job / "job.pt", weights_only=True)
    config, splits = TrainingConfig.from_dict(asked["config"]), asked["splits"]
    dataset = Dataset(config.data, Split(*splits[:2]), Split(*splits[2:]), *asked["normalised"])
    try:
        if RunFolder(job / RUN).started:
            resume(job / RUN, dataset)
        else:
            train(config, dataset, job / RUN, observers=[KeepFirst(job)])
    except DivergenceError as error:
        (job / f"error-{os.environ['RANK']}.txt").write_text(str(error))


def steps_of_norm(norm: nn.Module, batches: list[torch.Tensor], weights: list[torch.Tensor]) -> list[torch.Tensor]:
    """Return values and gradients, of x and the weights, for batches in turn; at the end the running statistics."""
    made = []
    for batch, weight in zip(batches, weights, strict=True):
        x = batch.clone().requires_grad_()
        y = norm(x)
        made += [y.detach(), *torch.autograd.grad((y * weight).sum(), [x, *norm.parameters()])]
    return [*made, *norm.buffers()]


def main(folder: Path) -> None:
    """Do all of it."""
    for job in sorted(path.parent for path in folder.glob("*/job.pt")):
        run_job(job)
    command = ["train", "--backbone", "residual", "--epochs", "1", "--device", "cpu", "--out", str(folder / "command")]
    app(command, standalone_mode=False)

    rank = distributed.get_rank()
    asked = torch.load(folder / "norm.pt", weights_only=True)
    batches, weights = (
        [whole.split(shares)[rank] for whole, shares in zip(asked[name], asked["shares"], strict=True)]
        for name in ("batches", "weights")
    )
    norm = nn.BatchNorm2d(3, eps=EPS).double()
    norm.load_state_dict(asked["norm"])
    synced = synchronise(nn.Sequential(norm), torch.device("cpu"))
    torch.save(steps_of_norm(synced, batches, weights), folder / f"norm-{rank}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
