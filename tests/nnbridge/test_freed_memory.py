"""Freed memory is kept: a network's large tensors, made again and again, take no new pages."""

import ctypes
import os
import subprocess
import sys

import pytest

COUNT = """
import resource, torch
from torch import nn
from nnbridge import keep_freed_memory
kept = {keep} and keep_freed_memory()
network = nn.Sequential(*[part for _ in range(3) for part in (nn.BatchNorm2d(4), nn.ReLU())]).eval()
images = torch.ones(3, 4, 1000, 1000)  # 48 MB, beyond what glibc would keep by itself
with torch.no_grad():
    for turn in range(5):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        network(images)
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def has_mallopt():
    try:
        return hasattr(ctypes.CDLL(None), "mallopt")
    except (OSError, TypeError):
        return False


def faults(keep, **environment):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    answer = subprocess.run(
        [sys.executable, "-c", COUNT.format(keep=keep)],
        env=clean | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    kept, count = answer.stdout.split()
    return kept == "True", int(count)


@pytest.mark.skipif(not has_mallopt(), reason="this C library has no mallopt")
def test_tensors_made_again_take_no_new_pages():
    without, count_without = faults(False)
    kept, count = faults(True)
    assert (without, kept) == (False, True)
    assert count < count_without / 10


def test_the_user_s_own_settings_stay():
    assert faults(True, MALLOC_MMAP_MAX_="100")[0] is False
