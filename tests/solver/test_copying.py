"""Rows of any length between memories of any pitch; nothing around them is touched."""

import numpy as np
import pytest

from solver.compiling import kernel
from solver.cpu.copying import copy_rows
from solver.cpu.pointers import keep_alive, pointer


@kernel()
def copy(target, at, pitch, source, start, stride, rows, columns):
    copy_rows(pointer(target, 0), at, pitch, pointer(source, 0), start, stride, rows, columns)
    keep_alive(target, source)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_are_copied_and_nothing_else(dtype):
    source = np.random.default_rng(0).random(400).astype(dtype)
    for columns in (*range(20), 33):
        pitch, stride, rows = columns + 3, columns + 1, 5
        wanted = np.full(400, -1, dtype)
        for i in range(rows):
            wanted[7 + i * pitch :][:columns] = source[4 + i * stride :][:columns]
        for call in (copy, copy.py_func):
            target = np.full(400, -1, dtype)
            call(target, 7, pitch, source, 4, stride, rows, columns)
            assert np.array_equal(target, wanted), columns
