"""``python -m validation``: what it writes, prints and exits with."""

import csv
import json
import os
import signal
from contextlib import suppress

import matplotlib.pyplot as plt
import pytest
from typer.testing import CliRunner

from validation import cli
from validation.study import Claim, Picture, Study, StudyResult, Table


def study(name, *claims, **parts):
    return Study(name, name.title(), "Why?", lambda work: StudyResult(claims=claims, **parts))


def recorded(folder):
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))


@pytest.fixture
def run(monkeypatch, tmp_path):
    def invoke(studies, *arguments):
        monkeypatch.setattr(cli, "STUDIES", tuple(studies))
        return CliRunner().invoke(cli.app, ["--out", str(tmp_path), *arguments])

    return invoke


HOLDS, FAILS = Claim("water is wet", True, "1"), Claim("the moon is cheese", False, "0.03")


def test_a_study_leaves_a_report_figures_csv_and_json(run, tmp_path):
    pictures = [Picture(name, plt.figure(), "an empty figure") for name in ("first", "second")]
    tables = [Table("errors", ("dx", "error"), [(0.5, 1e-2), (0.25, 1 / 3)])]
    result = run([study("one", HOLDS, tables=tables, pictures=pictures)])
    assert result.exit_code == 0, result.output
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("<img") == page.count("data:image/png;base64,") == 2
    for picture in pictures:
        assert (tmp_path / f"{picture.name}.png").read_bytes().startswith(b"\x89PNG")
        assert not plt.fignum_exists(picture.figure.number)
    (one,) = recorded(tmp_path)["studies"]
    assert (one["name"], one["passed"]) == ("one", True)
    assert one["tables"][0]["rows"] == [[0.5, 1e-2], [0.25, 1 / 3]]
    with (tmp_path / "errors.csv").open(encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["dx", "error"], ["0.5", "0.01"], ["0.25", str(1 / 3)]]


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
    assert [entry["name"] for entry in recorded(tmp_path)["studies"]] == ["two", "three"]


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
    text = (tmp_path / "results.json").read_text(encoding="utf-8")
    record = json.loads(text, parse_constant=pytest.fail)
    assert record["studies"][0]["tables"][0]["rows"] == [["inf"], [1.5]]


def test_the_claims_of_all_studies_are_one_table_too(run, tmp_path):
    run([study("one", HOLDS), study("two", FAILS)])
    with (tmp_path / "claims.csv").open(encoding="utf-8") as file:
        assert list(csv.reader(file)) == [
            ["study", "holds", "claim", "measured"],
            ["one", "True", "water is wet", "1"],
            ["two", "False", "the moon is cheese", "0.03"],
        ]


@pytest.mark.parametrize(("options", "mode"), [((), "quick"), (("--full",), "full")])
def test_the_studies_are_told_how_much_to_do_and_the_record_says_so(run, tmp_path, options, mode):
    asked = []

    def measure(work):
        asked.append(work.full)
        return StudyResult(claims=[HOLDS])

    assert run([Study("one", "One", "Why?", measure)], *options, "--only", "one").exit_code == 0
    assert asked == [mode == "full"]
    record = recorded(tmp_path)
    assert record["mode"] == mode
    assert record["command"] == " ".join(["python -m validation", *options, f"--only one --out {tmp_path}"])
    assert record["seconds"] >= record["studies"][0]["seconds"] >= 0
    assert record["command"] in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_study_that_raises_is_reported_and_does_not_lose_the_others(run, tmp_path):
    def divide(work):
        return StudyResult(claims=[HOLDS], skipped=str(1 / 0))

    result = run([study("one", HOLDS), Study("two", "Two", "Why?", divide), study("three", HOLDS)])
    assert result.exit_code == 1
    assert "2 of 2 claims hold. Ended by an error: two." in result.output
    assert [entry["passed"] for entry in recorded(tmp_path)["studies"]] == [True, False, True]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for place in (result.output, page, recorded(tmp_path)["studies"][1]["error"]):
        assert "ZeroDivisionError: division by zero" in place
        assert "in divide" in place


@pytest.mark.parametrize("caught", [False, True], ids=["not caught", "caught on the way, as a solve does"])
def test_an_interrupt_writes_the_report_of_what_is_done(run, tmp_path, caught):
    def interrupted(work):
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            if not caught:
                raise
        return StudyResult(claims=[FAILS])

    before = signal.getsignal(signal.SIGINT)
    result = run([study("one", HOLDS), Study("two", "Two", "Why?", interrupted), study("three", FAILS)])
    assert result.exit_code == 130
    assert "1 of 1 claims hold. Interrupted before the end of: two, three." in result.output
    record = recorded(tmp_path)
    assert [entry["name"] for entry in record["studies"]] == ["one"]
    assert record["missing"] == ["two", "three"]
    assert not record["passed"]
    assert "Interrupted before the end of: two, three." in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert signal.getsignal(signal.SIGINT) is before


def test_after_an_interrupt_the_next_case_of_a_study_is_not_begun(run):
    begun = []

    def stubborn(work):
        for case in work.each(range(3)):
            begun.append(case)
            with suppress(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGINT)
        return StudyResult(claims=[HOLDS])

    assert run([Study("one", "One", "Why?", stubborn)]).exit_code == 130
    assert begun == [0]


def test_help_names_every_study_with_its_title():
    output = " ".join(CliRunner().invoke(cli.app, ["--help"]).output.split())
    for known in cli.STUDIES:
        assert f"{known.name} {known.title}" in output


def test_every_row_of_the_summary_leads_to_its_study_and_a_long_table_is_folded_away(run, tmp_path):
    tables = [Table("short", ("a",), [(1,)] * 12), Table("long", ("a",), [(1,)] * 13)]
    run([study("one", HOLDS, tables=tables)])
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert '<td><a href="#one">One</a></td><td class="pass">pass</td><td>1 of 1</td>' in page
    assert '<h2 id="one">One</h2>' in page
    assert page.count("<details>") == page.count("</details>") == 1
    assert "<summary>Table: long, 13 rows</summary>" in page
