"""The solver's command line and its demonstration."""

import numpy as np
import pytest
from typer.testing import CliRunner

from solver import solve
from solver.cli import app
from solver.demo import rotating_hill


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_info_names_versions_threads_and_backends():
    shown = run("info")
    assert shown.exit_code == 0
    for word in ("numpy", np.__version__, "solver threads", "cpu", "GPU"):
        assert word in shown.output


def test_demo_writes_a_report_that_needs_no_other_file(tmp_path):
    shown = run("demo", "--out", tmp_path / "solver", "--cells", 32)
    assert shown.exit_code == 0, shown.output
    assert {p.name for p in (tmp_path / "solver").iterdir()} == {
        "report.html",
        "rotating_hill.png",
        "rotating_hill.gif",
    }
    page = (tmp_path / "solver" / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/") == 2
    assert 'src="rotating' not in page
    assert run("index", tmp_path).exit_code == 0
    assert 'href="solver/report.html"' in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_an_unknown_backend_is_one_sentence(tmp_path):
    shown = run("demo", "--out", tmp_path, "--backend", "abacus")
    assert shown.exit_code == 1
    assert "`backend` is 'abacus'" in shown.output


def test_an_index_of_nothing_says_what_to_run(tmp_path):
    shown = run("index", tmp_path)
    assert shown.exit_code == 1
    assert "holds no report" in shown.output


def test_the_hill_turns_at_second_order_and_keeps_its_sum():
    """The telegraph term is at most 1 % of a small diffusivity here, so what is left is the spatial error."""
    errors = []
    for cells in (96, 192):
        problem, initial, exact = rotating_hill(cells)
        final = solve(problem, initial, 1.0).final
        errors.append(np.sqrt(np.mean((final - exact) ** 2)))
        assert final.sum() == pytest.approx(initial.sum(), rel=1e-11)
    assert abs(np.log2(errors[0] / errors[1]) - 2) < 0.15
