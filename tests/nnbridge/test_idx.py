"""The IDX reader: what it reads, and what it refuses."""

import gzip
import struct

import numpy as np
import pytest

from nnbridge.data.idx import read_idx


def idx_bytes(array: np.ndarray, *, kind: int = 0x08) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, kind, array.ndim, *array.shape) + array.tobytes()


@pytest.mark.parametrize("packed", [True, False], ids=["gzipped", "unpacked"])
@pytest.mark.parametrize("shape", [(7,), (5, 3, 4), (300, 2, 1), (0, 28, 28)])
def test_reads_back_what_was_written(tmp_path, shape, packed):
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    raw = idx_bytes(array)
    path = tmp_path / "misleading-name.txt"
    path.write_bytes(gzip.compress(raw) if packed else raw)
    found = read_idx(path, dimensions=len(shape))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, array)


IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "has only 0 bytes"),
        (idx_bytes(IMAGES)[:10], "has only 10 bytes"),
        (b"\x01" + idx_bytes(IMAGES)[1:], "magic number is 01000803, not 00000803"),
        (idx_bytes(IMAGES, kind=0x0D), "magic number is 00000d03, not 00000803"),
        (idx_bytes(IMAGES.reshape(6, 4)) + bytes(8), "magic number is 00000802, not 00000803"),
        (idx_bytes(IMAGES)[:-1], "announces 2 x 3 x 4 = 24 values, but 23 follow"),
        (idx_bytes(IMAGES) + b"\x00", "announces 2 x 3 x 4 = 24 values, but 25 follow"),
        (gzip.compress(idx_bytes(IMAGES))[:-9], "damaged gzip"),
        (b"\x1f\x8b" + bytes(20), "damaged gzip"),
    ],
    ids=["empty", "short header", "zeros", "type", "dimensions", "truncated", "trailing", "cut gzip", "false gzip"],
)
def test_refuses_a_malformed_file_and_names_it(tmp_path, raw, message):
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(raw)
    with pytest.raises(ValueError, match=message) as caught:
        read_idx(path, dimensions=3)
    assert str(path) in str(caught.value)


def test_a_changed_byte_in_a_gzip_file_is_noticed(tmp_path):
    raw = bytearray(gzip.compress(idx_bytes(np.zeros((2, 28, 28), np.uint8))))
    raw[-6] ^= 0xFF  # inside the CRC
    (tmp_path / "file.gz").write_bytes(raw)
    with pytest.raises(ValueError, match=r"damaged gzip file .*CRC.*fetch it again"):
        read_idx(tmp_path / "file.gz", dimensions=3)


def test_a_missing_file_is_not_found(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.gz"):
        read_idx(tmp_path / "absent.gz", dimensions=1)
