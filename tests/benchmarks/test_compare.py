"""A loss is found, a drift of the machine is not taken for one."""

from dataclasses import replace

import pytest

from benchmarks.compare import compare
from benchmarks.results import ABSENT, MEASURED, Row, read_csv, write_csv

ROW = Row(
    "layer", "planes", "pdebridge", MEASURED, seconds=0.01, best=0.009, updates=10, bytes=10**8, copy=3e10, triad=3e10
)
BEFORE = [
    ROW,
    replace(ROW, contender="torch", seconds=0.2),
    replace(ROW, contender="jax", seconds=0.05),
    Row("layer", "planes", "devito", ABSENT, note="no module named devito"),
]


def with_ours(factor):
    return [replace(BEFORE[0], seconds=BEFORE[0].seconds * factor), *BEFORE[1:]]


def test_a_loss_of_a_fifth_is_flagged():
    (change,) = compare(with_ours(1 / 0.8), BEFORE)
    assert change.speed == pytest.approx(0.8)
    assert change.lost


def test_a_loss_of_five_per_cent_passes():
    (change,) = compare(with_ours(1 / 0.95), BEFORE)
    assert change.speed == pytest.approx(0.95)
    assert not change.lost


def test_a_slower_machine_is_no_loss():
    slower = [replace(row, seconds=3 * row.seconds, copy=row.copy / 3) for row in BEFORE]
    (change,) = compare(slower, BEFORE)
    assert change.speed == pytest.approx(1.0)


def test_one_faster_peer_is_no_loss():
    faster = [replace(row, seconds=row.seconds / 2) if row.contender == "jax" else row for row in BEFORE]
    assert not compare(faster, BEFORE)[0].lost


def test_our_own_variants_are_no_yardsticks():
    rows = [replace(row, contender="one thread") if row.contender == "jax" else row for row in BEFORE]
    assert set(compare(rows, rows)[0].yardsticks) == {"torch", "copy"}


def test_cases_that_only_one_run_has_are_left_out():
    assert compare([replace(row, case="other") for row in BEFORE], BEFORE) == []


def test_rows_survive_the_file(tmp_path):
    training = replace(ROW, group="training", bytes=None, operations=None)
    write_csv(tmp_path / "rows.csv", [*BEFORE, training])
    assert read_csv(tmp_path / "rows.csv") == [*BEFORE, training]


def test_a_file_without_a_newer_column_can_be_read(tmp_path):
    write_csv(tmp_path / "rows.csv", BEFORE)
    lines = (tmp_path / "rows.csv").read_text(encoding="utf-8").splitlines()
    column = lines[0].split(",").index("others")
    older = [",".join(cell for n, cell in enumerate(line.split(",")) if n != column) for line in lines]
    (tmp_path / "older.csv").write_text("\n".join(older) + "\n", encoding="utf-8")
    assert read_csv(tmp_path / "older.csv") == BEFORE
