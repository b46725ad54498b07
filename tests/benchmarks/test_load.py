"""What others do is counted, and unknown where the system does not tell."""

import pytest

from benchmarks import load
from benchmarks.load import Others


@pytest.fixture
def counts(monkeypatch):
    """Let the system tell these counts, one line a look."""
    made = []
    monkeypatch.setattr(load, "WATCHED", 0.0)
    monkeypatch.setattr(load, "ticks", lambda: made.pop(0))
    return made


def test_the_share_of_busy_ticks_over_all_rests(counts):
    counts += [[0] * 8, [3, 0, 1, 5, 1, 0, 0, 0], [10] * 8, [10, 10, 10, 20, 10, 10, 10, 10]]
    others = Others()
    others.watch()
    assert others.share == pytest.approx(0.4)
    others.watch()
    assert others.share == pytest.approx(0.2)


def test_unknown_where_the_system_does_not_tell(monkeypatch, tmp_path):
    monkeypatch.setattr(load, "STATISTICS", tmp_path / "absent")
    others = Others()
    others.watch()
    assert others.share is None


@pytest.mark.skipif(not load.STATISTICS.exists(), reason="the system has no /proc/stat")
def test_the_system_counts_up():
    first, second = load.ticks(), load.ticks()
    assert len(first) == 8
    assert sum(second) >= sum(first) > 0
