"""Slow, stuck and failing contenders; what counts as compiling; which memory is kept."""

import os
import subprocess
import sys
from dataclasses import dataclass
from time import sleep

import pytest

from benchmarks import contest
from benchmarks.case import Prepared, built_at_first_call
from benchmarks.contest import Contest
from benchmarks.peers import OURS
from benchmarks.results import FAILED, MEASURED
from benchmarks.settings import KEEP_FREED_MEMORY

BUILDING, RUNNING = 0.5, 0.12  # seconds


@dataclass(frozen=True)
class Sleeping:
    """A case whose only work is to sleep; "stuck" sleeps for a minute."""

    name: str = "sleeping"
    group: str = "tiny"
    contenders: tuple[str, ...] = (OURS,)
    bytes: None = None
    operations: None = None
    updates: int = 1

    def prepare(self, contender):
        if contender == "failing":
            raise ValueError("does not want to")

        def build():
            sleep(BUILDING)
            return lambda: sleep(60 if contender == "stuck" else RUNNING)

        return Prepared(built_at_first_call(build), lambda result: ())

    def reference(self):
        return ()

    def sample(self, result):
        return result


@pytest.fixture(scope="module")
def contest_of_all_tests():
    """Start the processes once."""
    with Contest(rounds=1, budget=0.0) as made:
        yield made


@pytest.fixture
def small_contest(contest_of_all_tests):
    """Return it with four rounds and all the time for them."""
    contest_of_all_tests.rounds, contest_of_all_tests.budget = 4, 600.0
    return contest_of_all_tests


def test_what_is_built_in_the_first_call_counts_as_compiling(small_contest):
    (row,) = small_contest.measure(Sleeping(), [OURS])
    assert row.status == MEASURED
    assert row.compiling > 0.9 * BUILDING
    assert row.seconds >= RUNNING
    assert row.rounds == 4
    assert row.error is None


def test_a_contender_that_exceeds_the_budget_shows_its_second_call(small_contest):
    small_contest.budget = RUNNING / 2
    (row,) = small_contest.measure(Sleeping(), [OURS])
    assert row.rounds == 1
    assert row.seconds == row.best
    assert row.seconds >= RUNNING


def test_the_budget_ends_the_rounds(small_contest):
    small_contest.rounds, small_contest.budget = 50, 3.5 * RUNNING
    (row,) = small_contest.measure(Sleeping(), [OURS])
    assert 1 <= row.rounds <= 3  # the second call counts as well


def test_a_failing_contender_does_not_stop_the_others(small_contest):
    failing, ours = small_contest.measure(Sleeping(), ["failing", OURS])
    assert (failing.status, ours.status) == (FAILED, MEASURED)
    assert "does not want to" in failing.note


def test_a_stuck_contender_is_ended(small_contest, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(contest, "PATIENCE", 5.0)
        (stuck,) = small_contest.measure(Sleeping(), ["stuck"])
    assert stuck.status == FAILED
    assert stuck.note == "no answer within 5 s"
    assert small_contest.measure(Sleeping(), [OURS])[0].status == MEASURED


def test_all_contenders_may_fail(small_contest):
    (row,) = small_contest.measure(Sleeping(), ["failing"])
    assert row.status == FAILED


def test_building_happens_once_and_not_before_the_first_call():
    made = []

    def build():
        made.append(1)
        return lambda: len(made)

    run = built_at_first_call(build)
    assert not made
    assert (run(), run()) == (1, 1)


FAULTS = """
import resource
import numpy as np

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

values = np.ones(2**24)  # 128 MB
for _ in range(10):
    values = values + 1.0
before = faults()
for _ in range(10):
    values = values + 1.0
print(faults() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the settings are those of glibc")
def test_freed_memory_is_kept():
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}

    def count(settings):
        command = [sys.executable, "-c", FAULTS]
        done = subprocess.run(command, env=inherited | settings, capture_output=True, text=True, check=True)
        return int(done.stdout)

    given_back = count({})
    if given_back < 1000:
        pytest.skip(f"the C library keeps it without being told: {given_back} page faults")
    assert count(KEEP_FREED_MEMORY) < given_back / 10


GIVING_BACK = """
import numpy as np
from benchmarks.worker import Contender

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

contender = Contender()
before = resident()
contender.prepared = [np.ones(2**20) for _ in range(64)]  # 512 MB
last = np.ones(1)  # behind them, so that the heap cannot simply end earlier
held = resident()
contender.drop()
print(held - before, resident() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the settings are those of glibc")
def test_memory_is_given_back_between_cases():
    command = [sys.executable, "-c", GIVING_BACK]
    done = subprocess.run(command, env=os.environ | KEEP_FREED_MEMORY, capture_output=True, text=True, check=True)
    held, left = map(int, done.stdout.split())
    assert held > 2**28
    assert left < held / 4
