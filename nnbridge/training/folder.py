"""The folder of a run, and how its files are written: whole or not at all.

config.json        every choice of the run
environment.json   versions, hardware and command, one entry for each start or resume
last.ckpt          everything that the next epoch depends on, after the last complete epoch
best.ckpt          the same, after the epoch with the largest test accuracy
log.csv            one row an epoch
mesh.csv           one row for each Global layer and epoch: how near its fields are to what the scheme can carry
metrics.json       the result; there once the run is finished
lock               held by the process that trains there
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch

from nnbridge.training.config import TrainingConfig
from nnbridge.training.environment import describe
from nnbridge.training.mesh_log import MeshRecord, write_records
from nnbridge.training.records import EpochRecord, Metrics


class RunFolder:
    """Names, writes and reads the files of one run.

    Parameters
    ----------
    path
        The folder; it is made by `start`.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.last = self.path / "last.ckpt"
        self.best = self.path / "best.ckpt"
        self.log = self.path / "log.csv"
        self.mesh = self.path / "mesh.csv"
        self._config = self.path / "config.json"
        self._environment = self.path / "environment.json"
        self._metrics = self.path / "metrics.json"

    @property
    def started(self) -> bool:
        """Whether there is a checkpoint to go on from."""
        return self.last.is_file()

    @property
    def finished(self) -> bool:
        """Whether the run has its result."""
        return self._metrics.is_file()

    def start(self, config: TrainingConfig) -> None:
        """Make the folder and write the config into it.

        Raises
        ------
        FileExistsError
            If a run has been started there.
        """
        if self.started:
            raise FileExistsError(
                f"`folder` is {self.path}, which holds a run already: resume it (--resume {self.path}), "
                "or choose another folder (--out)"
            )
        self.path.mkdir(parents=True, exist_ok=True)
        _write_json(self._config, config.as_dict())

    def config(self) -> TrainingConfig:
        """Read the config.

        Raises
        ------
        FileNotFoundError
            If this is not the folder of a run.
        """
        if not self._config.is_file():
            raise FileNotFoundError(f"{self.path} is not the folder of a run: it has no {self._config.name}")
        return TrainingConfig.from_dict(json.loads(self._config.read_text()))

    def note_environment(self) -> None:
        """Add this process and machine to the environments in which the run ran."""
        entries = json.loads(self._environment.read_text()) if self._environment.is_file() else []
        _write_json(self._environment, [*entries, describe()])

    def write_log(self, history: Sequence[EpochRecord]) -> None:
        """Write one row for each epoch."""
        text = io.StringIO()
        writer = csv.DictWriter(text, [field.name for field in fields(EpochRecord)], lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: f"{value:.6g}" for name, value in asdict(row).items()} for row in history)
        _replace(self.log, text.getvalue().encode())

    def write_mesh(self, records: Sequence[MeshRecord]) -> None:
        """Write one row for each layer and epoch, if there is any."""
        if records:
            _replace(self.mesh, write_records(records))

    def read_log(self) -> list[EpochRecord]:
        """Read the rows that `write_log` wrote."""
        with self.log.open(newline="") as file:
            rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
        return [EpochRecord(**(row | {"epoch": int(row["epoch"])})) for row in rows]  # type: ignore[arg-type]

    def write_metrics(self, metrics: Metrics) -> None:
        """Write the result, which makes the run a finished one."""
        _write_json(self._metrics, asdict(metrics))

    def read_metrics(self) -> Metrics:
        """Read the result of a finished run."""
        return Metrics(**json.loads(self._metrics.read_text()))


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write ``state`` (tensors, numbers, strings and containers of them), replacing the file in one step."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    _replace(path, buffer.getvalue())


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU, executing nothing that is in it.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: there is no run to go on from in {path.parent}")
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def _write_json(path: Path, content: object) -> None:
    _replace(path, (json.dumps(content, indent=2) + "\n").encode())


def _replace(path: Path, content: bytes) -> None:
    """Write beside ``path``, then rename over it: a reader, or a crash, meets the old file or the new one."""
    draft = path.with_name(path.name + ".tmp")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
