"""What torchrun says of a run's processes, and what is refused of several."""

import subprocess
import sys

import pytest
import torch
from typer.testing import CliRunner

from nnbridge.cli import app
from nnbridge.processes import Processes, processes
from nnbridge.training import TrainingConfig
from nnbridge.training.machine import make_fabric


@pytest.fixture
def second_of_four(monkeypatch):
    """The environment of the second process on the second of two machines."""
    told = {"TORCHELASTIC_RUN_ID": "a", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2", "RANK": "3", "LOCAL_RANK": "1"}
    for name, value in told.items():
        monkeypatch.setenv(name, value)


def test_torchrun_says_how_many_there_are(second_of_four):
    own = processes()
    assert own == Processes(total=4, here=2, number=3)
    assert not own.first


def test_without_torchrun_there_is_one(monkeypatch):
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    monkeypatch.setenv("WORLD_SIZE", "4")  # of another launcher
    assert processes() == (1, 1, 0)
    assert processes().first


@pytest.mark.parametrize("device", ["cuda", "auto"])
def test_fewer_gpus_than_processes_are_refused(second_of_four, monkeypatch, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ValueError, match=rf"`device` is '{device}', but torchrun started 2 processes here .* 1 GPUs"):
        make_fabric(TrainingConfig(backbone="pde", device=device))


def test_a_study_is_of_one_process(second_of_four):
    result = CliRunner().invoke(app, ["reproduce", "mnist", "--data", "digits"])
    assert result.exit_code == 1
    assert "error: `reproduce` trains in a single process: start it with python -m nnbridge" in result.output


def test_a_group_is_ended_before_the_interpreter_is():
    program = """
import atexit
from torch import distributed
from nnbridge.processes import leave_group_at_exit

atexit.register(lambda: print("connected:", distributed.is_initialized()))  # runs after those that are registered later
distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
for _ in range(2):
    leave_group_at_exit()
print("connected:", distributed.is_initialized())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["connected: True", "connected: False"]


def test_a_process_without_a_group_ends_as_ever():
    program = "from nnbridge.processes import leave_group_at_exit; leave_group_at_exit()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stderr) == (0, "")
