"""The file format of MNIST: a short header, then bytes."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

UNSIGNED_BYTE = 8


def read_idx(path: str | Path, *, axes: int) -> UInt8[np.ndarray, "..."]:
    """The array in a gzipped IDX file of unsigned bytes.

    The format: two zero bytes, a byte for the type, a byte for the number of
    axes, the length of each axis as a big-endian 32-bit integer, the entries.

    Args:
        path: of the file.
        axes: how many the array must have; 3 for images, 1 for labels.

    Raises:
        ValueError: the file is not of this format, has other axes, or holds
            fewer or more entries than its header says.
    """
    name = Path(path).name
    try:
        raw = gzip.decompress(Path(path).read_bytes())
    except (gzip.BadGzipFile, EOFError, zlib.error) as trouble:
        raise ValueError(f"{name} is not a whole gzip file") from trouble
    magic, header = bytes([0, 0, UNSIGNED_BYTE, axes]), 4 + 4 * axes
    if raw[:4] != magic or len(raw) < header:
        raise ValueError(
            f"{name} must begin like an IDX file of unsigned bytes with {axes} "
            f"axes, {magic.hex(' ')}, not {raw[:4].hex(' ')}"
        )
    shape = np.frombuffer(raw, ">u4", count=axes, offset=4).tolist()
    found, expected = len(raw) - header, math.prod(shape)
    if found != expected:
        raise ValueError(
            f"{name} must hold {expected} entries, the product of {shape}, not "
            f"{found}"
        )
    return np.frombuffer(raw, np.uint8, offset=header).reshape(shape).copy()
