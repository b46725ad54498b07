"""The peak is that of the measured process."""

import subprocess
import sys

import numpy as np

from benchmarks.memory import _peak


def test_the_peak_grows_with_what_is_touched():
    before = _peak()
    held = np.ones(2**25)  # 256 MB
    assert _peak() - before <= 2 * held.nbytes
    assert _peak() > held.nbytes


def test_a_large_process_does_not_count_for_the_one_it_starts():
    held = np.ones(2**27)  # 1 GB
    command = [sys.executable, "-c", "from benchmarks.memory import _peak; print(_peak())"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) < held.nbytes / 2
