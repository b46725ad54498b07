"""The IDX format of MNIST: a magic number, the dimensions, the values; all big-endian, often gzipped.

    bytes 0-1   zero
    byte  2     type of the values; MNIST has 0x08, unsigned bytes, the only type read here
    byte  3     number of dimensions d
    then        d unsigned 32-bit sizes, and the values in C order

Reference: https://yann.lecun.org/exdb/mnist/, section "FILE FORMATS FOR THE MNIST DATABASE".
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

GZIP_MAGIC: Final = b"\x1f\x8b"
UNSIGNED_BYTE: Final = 0x08


def read_idx(path: str | Path, dimensions: int) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes, gzipped or not (its first bytes tell, not its name).

    Parameters
    ----------
    path
        The file.
    dimensions
        How many the array must have: 3 for images (count, rows, columns), 1 for labels (count,).

    Returns
    -------
    NDArray[np.uint8]
        A read-only array of ``dimensions`` dimensions.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not IDX, holds another type or number of dimensions, or is shorter or longer than its
        header says.
    """
    raw = _unpacked(Path(path))
    header = 4 + 4 * dimensions
    expected = f"{path} should be an IDX file of unsigned bytes with {dimensions} dimension(s)"
    if len(raw) < header:
        raise ValueError(f"{expected}, but it has only {len(raw)} bytes: fetch it again")
    zeros, kind, found = struct.unpack_from(">HBB", raw)
    if zeros != 0 or kind != UNSIGNED_BYTE or found != dimensions:
        wanted = bytes((0, 0, UNSIGNED_BYTE, dimensions)).hex()
        raise ValueError(f"{expected}: its magic number is {raw[:4].hex()}, not {wanted}")
    shape = struct.unpack_from(f">{dimensions}I", raw, 4)
    size = math.prod(shape)
    if len(raw) - header != size:
        raise ValueError(
            f"{expected}: its header announces {' x '.join(map(str, shape))} = {size} values, "
            f"but {len(raw) - header} follow: fetch it again"
        )
    return np.frombuffer(raw, np.uint8, offset=header).reshape(shape)


def _unpacked(path: Path) -> bytes:
    raw = path.read_bytes()
    if not raw.startswith(GZIP_MAGIC):
        return raw
    try:
        return gzip.decompress(raw)
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{path} is a damaged gzip file ({error}): fetch it again") from error
