"""The command line on a tiny case: files, tables, absent peers, exit codes."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from benchmarks import cli, figures, peers, registry, tables
from benchmarks.case import SchemeCase
from benchmarks.problem import Problem
from benchmarks.results import ABSENT, MEASURED, Row, read_csv, write_csv

TINY = SchemeCase("tiny", "grid", Problem((6, 6), 2, "float64"), False, (peers.OURS, "numpy", "nowhere"))


@pytest.fixture(scope="module")
def tiny_run(tmp_path_factory):
    """Measure the tiny case with a peer whose package does not exist."""
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "cases", lambda: [TINY])
        patch.setattr(peers, "PEERS", [*peers.PEERS, "nowhere"])
        arguments = ["--only", "grid: tiny", "--peers", "numpy,nowhere", "--rounds", "2"]
        arguments += ["--csv", str(folder / "rows.csv")]
        result = CliRunner().invoke(cli.app, [*arguments, "--json", str(folder / "rows.json")])
    return folder, result


def test_rows_and_machine_are_written(tiny_run):
    folder, result = tiny_run
    assert result.exit_code == 0, result.output
    ours, numpy, _ = read_csv(folder / "rows.csv")
    assert ours.seconds > 0
    assert numpy.rounds == 2
    assert max(ours.error, numpy.error) < 1e-14
    assert ours.bytes == 2 * 8 * 36 * 8
    record = json.loads((folder / "rows.json").read_text(encoding="utf-8"))
    assert record["rows"][0]["contender"] == peers.OURS
    assert record["machine"]["numpy"] == json.loads((folder / "rows.machine.json").read_text(encoding="utf-8"))["numpy"]


def test_an_absent_peer_is_shown(tiny_run):
    folder, result = tiny_run
    assert read_csv(folder / "rows.csv")[2].status == ABSENT
    assert "nowhere" in result.output
    assert ABSENT in result.output


def test_comparing_ends_with_1_at_a_loss(tmp_path, monkeypatch):
    now = [Row("grid", "tiny", name, MEASURED, seconds=s) for name, s in ((peers.OURS, 0.01), ("numpy", 0.1))]
    monkeypatch.setattr(registry, "cases", lambda: [TINY])
    monkeypatch.setattr(cli, "_measure", lambda *_: [now])
    for factor, code in ((0.8, 1), (0.95, 0)):
        write_csv(tmp_path / "before.csv", [replace(now[0], seconds=factor * now[0].seconds), now[1]])
        result = CliRunner().invoke(cli.app, ["--only", "grid: tiny", "--compare", str(tmp_path / "before.csv")])
        assert result.exit_code == code, result.output
        assert ("LOSS" in result.output) == bool(code)


def test_list_shows_every_case():
    result = CliRunner().invoke(cli.app, ["--list"])
    assert result.exit_code == 0
    for name in ("2048x32x32 K=20 forward", "over K", "memory", "start-up", "training"):
        assert name in result.output


@pytest.mark.parametrize(("option", "value"), [("--peers", "fortran"), ("--only", "no such case")])
def test_an_unknown_name_is_refused(option, value):
    result = CliRunner().invoke(cli.app, [option, value])
    assert result.exit_code == 2
    assert value in result.output


def test_figures_are_drawn_from_the_rows_there_are(tmp_path):
    names = [case.name for case in registry.cases() if case.group in ("grid", "over size")]
    rows = [Row("grid", name, peers.OURS, MEASURED, seconds=0.1, updates=10**6, copy=3e10) for name in names]
    assert [path.name for path in figures.draw(tmp_path, rows)] == ["rate_over_size.png"]


def test_a_table_has_every_contender():
    rows = [Row("grid", "tiny", "pdebridge", MEASURED, seconds=0.01), Row("grid", "tiny", "devito", ABSENT)]
    table = tables.contest_table(rows)
    assert table.row_count == 2


def headings(row):
    return [column.header for column in tables.contest_table([row]).columns]


def test_training_is_shown_in_images_and_without_empty_columns():
    step = Row("training", "tiny", peers.OURS, MEASURED, seconds=0.01, rounds=3, updates=128)
    assert "images/s" in headings(step)
    assert not {"Mcell/s", "GB/s", "% copy", "error"} & set(headings(step))
    grid = replace(step, group="grid", bytes=10**6, copy=1e10, triad=1e10, error=1e-7)
    assert {"Mcell/s", "GB/s", "% copy", "error", "rounds"} <= set(headings(grid))
