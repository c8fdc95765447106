"""Arrays on their way to the browser: exact, compressed, not a JSON number for each value."""

import base64
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viz.types import BoolArray

FAST, SMALL = 1, 9
"""The level of zlib for noise, which gets no smaller at a higher one, only later; and for what is
regular."""


def encode_array(values: NDArray[Any], level: int = FAST) -> str:
    """The bytes of all values in base64; `array_codec.js` decodes the same values, bit by bit.

    The first bytes of all values stand together, then the second ones and so on: those that hold
    sign and exponent are alike, and compress.

    Args:
        values: Numbers of any shape; only their order is kept.
        level: The level of zlib, 0 to 9.
    """
    little = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<"), copy=False))
    planes = little.view(np.uint8).reshape(-1, little.itemsize).T
    return base64.b64encode(zlib.compress(planes.tobytes(), level)).decode("ascii")


def encode_bits(values: BoolArray) -> str:
    """Truth values of any shape, eight a byte, in base64; `array_codec.js` decodes them."""
    return encode_array(np.packbits(values), SMALL)
