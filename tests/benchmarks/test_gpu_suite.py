"""The GPU's suite, rehearsed on the CPU: files, tables, a contender that fails, cases that are left out."""

import csv
import json

import pytest
import torch
from typer.testing import CliRunner

from benchmarks import gpu_cases, gpu_suite


@pytest.fixture
def few(monkeypatch):
    """Let the suite have one plane size, few rounds and a small copy."""
    monkeypatch.setattr(gpu_cases, "PLANES", ((3, 4),))
    monkeypatch.setattr(gpu_cases, "STEPS", (1, 6))
    monkeypatch.setattr(gpu_cases, "CONTENDERS", ("pdebridge", "torch"))
    monkeypatch.setattr(gpu_suite, "ROUNDS", 2)
    monkeypatch.setattr(gpu_suite, "COPIED", 2**20)


def rehearse(folder, *more):
    return CliRunner().invoke(gpu_suite.app, ["--device", "cpu", "--out", str(folder), *more])


def test_rows_are_measured_and_kept(few, tmp_path, monkeypatch):
    monkeypatch.setattr(gpu_suite, "training_cases", lambda *_: list(gpu_cases.training_cases("cpu", "cpu"))[:2])
    result = rehearse(tmp_path)
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "gpu.json").read_text(encoding="utf-8"))
    rows = found["rows"]
    assert [r["contender"] for r in rows] == ["pdebridge", "torch"] * 5
    assert [r["case"] for r in rows[::2]] == [
        "1x4x4 K=1 forward",
        "1x4x4 K=1 forward+backward",
        "1x4x4 K=6 forward",
        "1x4x4 K=6 forward+backward",
        "MNIST PDE network K=5",
    ]
    assert all(0 < r["best ms"] <= r["ms"] for r in rows)
    words = 16 * 4
    for row, numbers in ((rows[0], 6), (rows[2], 17)):
        assert row["GB/s"] == pytest.approx(numbers * words / row["ms"] / 1e6)
        assert row["of copy"] == pytest.approx(row["GB/s"] / found["copy GB/s"])
    assert found["machine"]["torch"] == torch.__version__
    with (tmp_path / "gpu.csv").open(encoding="utf-8") as file:
        assert [r["case"] for r in csv.DictReader(file)] == [r["case"] for r in rows]
    assert "1x4x4 K=1 forward" in result.output


def test_a_contender_that_fails_is_a_row(few, tmp_path, monkeypatch):
    def fails():
        raise torch.OutOfMemoryError("CUDA out of memory: 80 GiB\nand more")

    case = gpu_cases.GpuCase("large", "torch", 0, 1, fails)
    monkeypatch.setattr(gpu_suite, "layer_cases", lambda *_: [case])
    monkeypatch.setattr(gpu_suite, "training_cases", lambda *_: [])
    assert rehearse(tmp_path).exit_code == 0
    (row,) = json.loads((tmp_path / "gpu.json").read_text(encoding="utf-8"))["rows"]
    assert row["failed"] == "OutOfMemoryError: CUDA out of memory: 80 GiB"


def test_what_is_late_is_left_out_and_said(few, tmp_path):
    result = rehearse(tmp_path, "--seconds", "0")
    assert result.exit_code == 0, result.output
    assert "left out" in result.output


def test_planes_of_the_cpu_times_sixteen_and_sets_beyond_the_cache():
    cases = list(gpu_cases.layer_cases("cuda", "cuda", gpu_cases.TIMES, lambda size: size))
    assert cases[0].name == "131072x8x8 K=1 forward"
    assert {c.contender for c in cases} == set(gpu_cases.CONTENDERS)
    assert not [c for c in cases if c.contender == "torch.compile" and "K=20" in c.name]


def test_without_a_gpu_it_says_so(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    result = CliRunner().invoke(gpu_suite.app, ["--out", str(tmp_path)])
    assert result.exit_code == 1
    assert "--device cpu rehearses the suite" in result.output
