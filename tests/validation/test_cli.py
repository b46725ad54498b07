"""``python -m validation``: what it writes, prints and exits with."""

import csv
import json

import pytest
from typer.testing import CliRunner

from validation import cli
from validation.study import Claim, Study, StudyResult, Table


def study(name, *claims, **parts):
    return Study(name, name.title(), "Why?", lambda: StudyResult(claims=claims, **parts))


@pytest.fixture
def run(monkeypatch, tmp_path):
    def invoke(studies, *arguments):
        monkeypatch.setattr(cli, "STUDIES", tuple(studies))
        return CliRunner().invoke(cli.app, ["--out", str(tmp_path), *arguments])

    return invoke


HOLDS, FAILS = Claim("water is wet", True, "1"), Claim("the moon is cheese", False, "0.03")


def test_a_real_study_leaves_a_report_figures_csv_and_json(tmp_path):
    result = CliRunner().invoke(cli.app, ["--out", str(tmp_path), "--only", "starts"])
    assert result.exit_code == 0, result.output
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("<img") == page.count("data:image/png;base64,") == 1
    assert (tmp_path / "starts.png").read_bytes().startswith(b"\x89PNG")
    (recorded,) = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["studies"]
    assert recorded["name"] == "starts"
    assert recorded["passed"] is True
    with (tmp_path / "starts.csv").open(encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == recorded["tables"][0]["columns"]
    assert len(rows) == len(recorded["tables"][0]["rows"]) == 15


def test_all_claims_holding_exits_with_zero(run):
    result = run([study("one", HOLDS), study("two", HOLDS, HOLDS)])
    assert result.exit_code == 0
    assert "3 of 3 claims hold" in result.output


def test_a_failing_claim_exits_with_one_and_is_shown_in_terminal_and_report(run, tmp_path):
    result = run([study("one", HOLDS, FAILS)])
    assert result.exit_code == 1
    assert "FAIL  the moon is cheese: 0.03" in result.output
    assert "1 of 2 claims hold" in result.output
    assert '<td class="fail">FAIL</td>' in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_only_runs_the_named_studies_in_the_order_of_the_report(run, tmp_path):
    studies = [study("one", FAILS), study("two", HOLDS), study("three", HOLDS)]
    result = run(studies, "--only", "three", "--only", "two")
    assert result.exit_code == 0
    recorded = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["studies"]
    assert [entry["name"] for entry in recorded] == ["two", "three"]


def test_an_unknown_study_is_refused_with_the_names_of_the_known_ones(run, tmp_path):
    result = run([study("one", HOLDS), study("two", HOLDS)], "--only", "three")
    assert result.exit_code == 2
    assert "'three' is not a study; the studies are one, two" in " ".join(result.output.split())
    assert not list(tmp_path.iterdir())


def test_a_skip_and_its_reason_are_visible_in_terminal_and_report(run, tmp_path):
    result = run([study("one", HOLDS), study("two", skipped="torch is not installed")])
    assert result.exit_code == 0
    assert "skipped: torch is not installed" in result.output
    assert "torch is not installed" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_infinite_values_are_text_in_json_so_that_any_reader_can_parse_it(run, tmp_path):
    run([study("one", HOLDS, tables=[Table("t", ("a",), [(float("inf"),), (1.5,)])])])
    record = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert record["studies"][0]["tables"][0]["rows"] == [["inf"], [1.5]]
