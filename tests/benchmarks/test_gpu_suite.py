"""The GPU's suite, rehearsed on the CPU: files, tables, a contender that fails, what is left out."""

import json

import pytest
import torch
from typer.testing import CliRunner

from benchmarks import gpu_cases, gpu_suite
from benchmarks.layer_cases import case, layer
from benchmarks.peers import COMPILED, EAGER, OURS
from benchmarks.results import FAILED, MEASURED, read_csv
from benchmarks.training_cases import TrainingCase

TINY = [
    case(layer((1, 2, 4, 4), 1), False, (EAGER,)),
    case(layer((1, 2, 4, 4), 6), True, (EAGER,)),
    TrainingCase("MNIST PDE network K=5", contenders=(OURS, EAGER)),
]


@pytest.fixture
def rehearse(monkeypatch, tmp_path):
    """Return a function that runs the suite on the CPU with some cases, and its folder."""
    monkeypatch.setattr(gpu_suite, "ROUNDS", 2)
    monkeypatch.setattr(gpu_suite, "SIZE", 2**20)

    def run(cases, *more):
        monkeypatch.setattr(gpu_cases, "cases", lambda *_: cases)
        arguments = ["--device", "cpu", "--no-tests", "--out", str(tmp_path), *more]
        return CliRunner().invoke(gpu_suite.app, arguments), tmp_path

    return run


def test_rows_are_measured_and_kept(rehearse):
    result, folder = rehearse(TINY)
    assert result.exit_code == 0, result.output
    rows = read_csv(folder / "gpu.csv")
    assert [(r.case, r.contender) for r in rows] == [(c.name, who) for c in TINY for who in (OURS, EAGER)]
    assert all(r.status == MEASURED and 0 < r.best <= r.seconds and r.rounds == 2 for r in rows)
    assert rows[0].bytes == 6 * 32 * 4
    assert rows[2].bytes == 17 * 32 * 4
    assert 0 < rows[0].of_copy < 1
    record = json.loads((folder / "gpu.json").read_text(encoding="utf-8"))
    assert len(record["rows"]) == len(rows)
    assert record["machine"]["torch"] == torch.__version__
    assert record["tests"] == "not run"
    assert TINY[0].name in result.output


@pytest.mark.parametrize(("who", "code"), [(EAGER, 0), (OURS, 1)])
def test_who_fails_is_a_row_and_only_our_failure_ends_with_1(who, code, rehearse, monkeypatch):
    prepare = gpu_cases.prepare

    def fails(chosen, contender, *rest):
        if contender == who:
            raise torch.OutOfMemoryError("CUDA out of memory: 80 GiB\nand more")
        return prepare(chosen, contender, *rest)

    monkeypatch.setattr(gpu_cases, "prepare", fails)
    result, folder = rehearse(TINY[:1])
    assert result.exit_code == code, result.output
    found = {row.contender: row for row in read_csv(folder / "gpu.csv")}
    assert found[who].status == FAILED
    assert found[who].note == "OutOfMemoryError: CUDA out of memory: 80 GiB"
    assert "CUDA out of memory: 80 GiB" in result.output


def test_what_is_late_is_left_out_and_said(rehearse):
    result, folder = rehearse(TINY, "--seconds", "0")
    assert result.exit_code == 0, result.output
    assert "6 rows are left out" in result.output
    assert read_csv(folder / "gpu.csv") == []


def test_the_cpus_planes_times_sixteen_and_two_grids():
    cases = gpu_cases.cases()
    names = [c.name for c in cases]
    assert names[0] == "32768x32x32 K=1 forward"
    assert {"131072x8x8 K=5 forward+backward", "1x8192x8192 K=64 forward", "2048x28x28 K=20 forward"} <= set(names)
    assert not [c for c in cases if COMPILED in c.contenders and "K=20" in c.name]
    assert all(c.contenders[:2] == (OURS, EAGER) for c in cases)


@pytest.mark.parametrize("backward", [False, True])
def test_contenders_compute_the_same_on_sets_that_take_turns(backward):
    chosen = case(layer((1, 2, 5, 6), 3), backward, (EAGER,))
    results = []
    for contender in chosen.contenders:
        torch.manual_seed(0)
        call = gpu_cases.prepare(chosen, contender, "cpu", 2)
        results.append([call(), call(), call()])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(results[0][0], results[0][2])
    assert not torch.equal(*(r[0] if backward else r for r in results[0][:2]))


@pytest.mark.parametrize(
    ("device", "code", "said"), [("cuda", 1, "--device cpu rehearses the suite"), ("tpu", 2, "it takes cpu or cuda")]
)
def test_a_device_that_is_not_there_is_refused(device, code, said, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    result = CliRunner().invoke(gpu_suite.app, ["--device", device, "--out", str(tmp_path)])
    assert result.exit_code == code
    assert said in result.output


def test_a_failing_test_ends_the_suite(rehearse, monkeypatch, tmp_path):
    class Failed:
        returncode, stdout, stderr = 1, "F\n1 failed", ""

    monkeypatch.setattr(gpu_suite.subprocess, "run", lambda *_, **__: Failed)
    result = CliRunner().invoke(gpu_suite.app, ["--device", "cpu", "--out", str(tmp_path)])
    assert result.exit_code == 1
    assert "1 failed" in (tmp_path / "tests.log").read_text(encoding="utf-8")
    assert not (tmp_path / "gpu.csv").exists()


def test_skipped_tests_are_no_proof(monkeypatch, tmp_path):
    class Skipped:
        returncode, stdout, stderr = 0, "s\n326 skipped", ""

    monkeypatch.setattr(gpu_suite.subprocess, "run", lambda *_, **__: Skipped)
    result = CliRunner().invoke(gpu_suite.app, ["--device", "cpu", "--out", str(tmp_path)])
    assert result.exit_code == 1
    assert "a test failed or was skipped" in result.output


@pytest.mark.parametrize(("found", "code"), [(None, 0), (0, 0), (9, 1)])
def test_what_a_sanitizer_finds_ends_the_suite_and_its_absence_is_said(found, code, monkeypatch, tmp_path):
    class Done:
        def __init__(self, command):
            sanitized = "--tool" in command
            self.returncode = found if sanitized else 0
            self.stdout, self.stderr = "3 passed\nRACECHECK SUMMARY" if sanitized else "3 passed", ""

    monkeypatch.setattr(gpu_suite.shutil, "which", lambda name: None if found is None else f"/opt/{name}")
    monkeypatch.setattr(gpu_suite.subprocess, "run", lambda command, **_: Done(command))
    monkeypatch.setattr(gpu_suite, "ROUNDS", 2)
    monkeypatch.setattr(gpu_suite, "SIZE", 2**20)
    monkeypatch.setattr(gpu_cases, "cases", lambda *_: TINY[:1])
    result = CliRunner().invoke(gpu_suite.app, ["--device", "cpu", "--out", str(tmp_path)])
    assert result.exit_code == code, result.output
    if code:
        assert "RACECHECK SUMMARY" in (tmp_path / "memcheck.log").read_text(encoding="utf-8")
        assert not (tmp_path / "gpu.csv").exists()
    else:
        said = {None: "compute-sanitizer is absent", 0: "exit code 0"}[found]
        record = json.loads((tmp_path / "gpu.json").read_text(encoding="utf-8"))
        assert record["sanitizer"] == {"memcheck": said, "racecheck": said}
        assert record["tests"] == "3 passed"
