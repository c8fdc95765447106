"""A tensor as its difference from another one: smaller, and not a bit is lost.

Weights that learned for a while share sign, exponent and the first digits with those they began as.
So the bits of both are subtracted as whole numbers, and the bytes of the differences are sorted
by their place (as the shuffle filter of HDF5 does): those in the high places are nearly all 0 and
are compressed, the others are noise and are stored as they are.
"""

import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

WHOLE_NUMBERS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
"""The whole numbers that have as many bytes."""
SAMPLE_BYTES = 1 << 16
"""Bytes of a plane by which it is decided whether compressing it is worth the time."""
WORTH = 0.9

Bytes = NDArray[np.uint8]
Bits = NDArray[np.unsignedinteger[Any]]


def difference(tensor: Tensor, first: Tensor) -> Tensor:
    """What `restore` makes *tensor* of, together with *first* of the same format and shape.

    Returns:
        uint8, with the bytes of each place one after the other, each behind its length.  (N,)
    """
    steps = _bits(tensor) - _bits(first)  # wrapping around
    # Small steps down as well as up have zeros in their high bytes.
    sign = steps >> (8 * steps.itemsize - 1)
    steps <<= 1
    steps ^= np.negative(sign, out=sign)
    parts: list[bytes] = []
    for plane in steps.view(np.uint8).reshape(-1, steps.itemsize).T:
        packed = _packed(np.ascontiguousarray(plane))
        parts += [len(packed).to_bytes(8, "little"), packed]
    return torch.frombuffer(bytearray(b"".join(parts)), dtype=torch.uint8)


def restore(stored: Tensor, first: Tensor) -> Tensor:
    """The tensor of which *stored* is the difference from *first*.

    Raises:
        ValueError: It is none.
    """
    before = _bits(first)
    zigzag = np.empty_like(before)
    planes = zigzag.view(np.uint8).reshape(-1, before.itemsize)
    for place, plane in enumerate(_planes(stored.numpy(), before.itemsize, before.size)):
        planes[:, place] = plane
    sign = zigzag & 1
    zigzag >>= 1
    zigzag ^= np.negative(sign, out=sign)
    zigzag += before
    signed = zigzag.view(f"i{before.itemsize}")
    return torch.from_numpy(signed).view(first.dtype).view(first.shape)


def _bits(tensor: Tensor) -> Bits:
    """The bits of a tensor as whole numbers without a sign.  (N,)"""
    numbers = tensor.contiguous().view(WHOLE_NUMBERS[tensor.element_size()]).numpy().ravel()
    bits: Bits = numbers.view(f"u{numbers.itemsize}")
    return bits


def _packed(plane: Bytes) -> bytes:
    """A plane compressed where that is worth it, else as it is; nothing where it is all 0."""
    if not plane.any():
        return b""
    content = plane.tobytes()
    sample = content[:: max(1, len(content) // SAMPLE_BYTES)]
    if len(_compressed(sample)) > WORTH * len(sample):
        return content
    packed = _compressed(content)
    return packed if len(packed) < len(content) else content


def _compressed(content: bytes) -> bytes:
    """Zeros by their number, other bytes by how often they occur: nothing else repeats here."""
    packing = zlib.compressobj(1, strategy=zlib.Z_RLE)
    return packing.compress(content) + packing.flush()


def _planes(stored: Bytes, size: int, count: int) -> Iterator[Bytes]:
    start = 0
    for _ in range(size):
        end = start + 8 + int.from_bytes(stored[start : start + 8].tobytes(), "little")
        packed, start = stored[start + 8 : end], end
        if not len(packed):
            yield np.zeros(count, dtype=np.uint8)
            continue
        plane = packed if len(packed) == count else _unpacked(packed, count)
        if len(plane) != count:
            raise ValueError("a plane has another length")
        yield plane


def _unpacked(packed: Bytes, count: int) -> Bytes:
    try:
        content = zlib.decompressobj().decompress(packed.tobytes(), count + 1)
    except zlib.error as error:
        raise ValueError("a plane can't be unpacked") from error
    return np.frombuffer(content, dtype=np.uint8)
