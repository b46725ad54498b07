"""Two processes that share every batch, by torchrun on a CPU: the same run as one process with the whole batch."""

import copy
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import two_processes
from torch import nn
from two_processes import COPY, EPS, RUN, KeepFirst, steps_of_norm, write_job

import solver
from nnbridge import data
from nnbridge.data import Split
from nnbridge.training import TrainingConfig, load_model, resume, train
from nnbridge.training.folder import load_checkpoint

pytestmark = [
    pytest.mark.xdist_group("distributed"),
    pytest.mark.skipif(sys.platform == "win32", reason="torchrun needs libuv's store there"),
]

# 65 images in batches of 32: shares of 16 and 16, and at the end of 1 and 0.
PDE = TrainingConfig.for_data("digits", backbone="pde", epochs=2, device="cpu", seed=1)
CALM = 0.01  # at 0.05 roundings grow to 2e-5 of the loss in eight steps on some processors, at 0.02 and below to 1e-7
SHARES = [[3, 2], [4, 0], [1, 5], [0, 2]]


@pytest.fixture(scope="module")
def few():
    digits = data.load("digits")
    return replace(digits, train=Split(digits.train.images[:65], digits.train.labels[:65]))


@pytest.fixture(scope="module")
def jobs(few, photographs, tiny_config):
    """The runs: 40 photographs in batches of 13 make shares of 7 and 6, and at the end of 1 and 0."""
    return {
        "pde": (PDE, few),
        "tiny": (replace(tiny_config, epochs=2, batch_size=13, learning_rate=CALM, ema=0.5), photographs),
        "diverges": (replace(tiny_config, epochs=1, learning_rate=1e30, schedule="constant"), photographs),
    }


@pytest.fixture(scope="module")
def norm():
    """A norm as training leaves one, with batches for it and the gradients that its values get."""
    generator = torch.Generator().manual_seed(3)
    norm = nn.BatchNorm2d(3, eps=EPS).double()
    for parameter in norm.parameters():
        nn.init.uniform_(parameter, -1.0, 1.5, generator=generator)
    batches, weights = (
        [mean + torch.randn(sum(s), 3, 5, 4, generator=generator, dtype=torch.float64) for s in SHARES]
        for mean in (10, 0)
    )
    return norm, batches, weights


@pytest.fixture(scope="module")
def one(jobs, tmp_path_factory):
    """Folder of the runs by one process."""
    folder = tmp_path_factory.mktemp("one")
    for name in ("pde", "tiny"):
        config, dataset = jobs[name]
        train(config, dataset, folder / name / RUN, observers=[KeepFirst(folder / name)])
    return folder


@pytest.fixture(scope="module")
def two(jobs, norm, one, tmp_path_factory):
    """Folder of all that two processes did, and of what they printed."""
    folder = tmp_path_factory.mktemp("two")
    asked = {"norm": norm[0].state_dict(), "batches": norm[1], "weights": norm[2], "shares": SHARES}
    torch.save(asked, folder / "norm.pt")
    for name, job in jobs.items():
        write_job(folder / name, *job)
        if (one / name).exists():
            write_job(folder / f"{name}-resumed", *job)
            shutil.copytree(one / name / COPY, folder / f"{name}-resumed" / RUN)
    sources = str(Path(solver.__file__).parents[1])
    loopback = {"GLOO_SOCKET_IFNAME": "lo"} if sys.platform == "linux" else {}
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*launch, two_processes.__file__, str(folder)],
        env=os.environ | {"PYTHONPATH": sources, "OMP_NUM_THREADS": "1"} | loopback,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "printed.txt").write_text(done.stdout)
    return folder


def losses(folder):
    return [record["train_loss"] for record in load_checkpoint(folder / "last.ckpt")["history"]]


def assert_same_run(folder, other):
    """Compare two runs, of one process or two.

    What differs is the order of sums, and whether a layer's fields are made by one operation: some roundings of 6e-8 a
    step. 7e-7 was found in losses and 1.3e-5 in weights after eight steps, with either kernel. Norms that do not know
    of each other, or shares that weigh alike, make differences of 3e-4 and more in the losses.
    """
    assert losses(folder) == pytest.approx(losses(other), rel=1e-5)
    one, two = (load_model(path).state_dict() for path in (folder, other))
    assert list(one) == list(two)
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, two[name], rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("name", ["pde", "tiny"])
def test_two_processes_make_the_run_of_one(one, two, name):
    assert_same_run(one / name / RUN, two / name / RUN)


@pytest.mark.parametrize("name", ["pde", "tiny"])
def test_two_processes_go_on_with_the_checkpoint_of_one(one, two, name):
    assert len(losses(two / f"{name}-resumed" / RUN)) == 2
    assert_same_run(one / name / RUN, two / f"{name}-resumed" / RUN)


@pytest.mark.parametrize("name", ["pde", "tiny"])
def test_one_process_goes_on_with_the_checkpoint_of_two(jobs, one, two, tmp_path, name):
    shutil.copytree(two / name / COPY, tmp_path / RUN)
    assert len(losses(tmp_path / RUN)) == 1
    resume(tmp_path / RUN, jobs[name][1])
    assert_same_run(one / name / RUN, tmp_path / RUN)


def test_only_the_first_process_writes_and_speaks(two):
    printed = (two / "printed.txt").read_text().splitlines()
    assert [line.split()[0] for line in printed] == ["mnist-residual:", "test", "run:"]
    for path in two.glob("*/run/environment.json"):
        entries = json.loads(path.read_text())
        assert [entry["processes"] for entry in entries] == ([1, 2] if "resumed" in str(path) else [2])


def test_every_process_raises_where_the_loss_diverges(two):
    first, second = ((two / "diverges" / f"error-{rank}.txt").read_text() for rank in range(2))
    assert first == second
    assert "is not finite in epoch 1, by step 2 of 3" in first
    assert "Of the Global layers stages.0.1 stands out, the first whose fields are not finite" in first


def test_a_norm_over_both_is_that_of_the_whole_batch(norm, two):
    """In double precision: values, gradients and running statistics, shares of different size or without an image."""
    whole, batches, weights = norm
    made = steps_of_norm(copy.deepcopy(whole), batches, weights)
    first, second = (torch.load(two / f"norm-{rank}.pt", weights_only=True) for rank in range(2))
    per_step = 2 * [torch.cat] + 2 * [sum]  # images lie in two parts; what is of a weight adds up
    for together, *parts in zip(per_step * len(SHARES), first, second, strict=False):
        torch.testing.assert_close(together(parts), made.pop(0), rtol=1e-12, atol=1e-12)
    for ours, other, expected in zip(first[-3:], second[-3:], made, strict=True):
        assert torch.equal(ours, other)
        torch.testing.assert_close(ours, expected, rtol=1e-12, atol=0)
