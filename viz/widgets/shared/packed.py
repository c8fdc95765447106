"""Numbers on their way to the browser: exact, compressed, and no JSON number each."""

import base64
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVEL = 1
"""Of zlib: noise gets no smaller at a higher one, only later."""


def packed(values: NDArray[Any]) -> str:
    """The bytes of all values in base64; `packed.js` gives the same values back, bit by bit.

    The first bytes of all values stand together, then the second ones and so on: those that hold
    sign and exponent are alike, and compress.
    """
    little = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<"), copy=False))
    planes = little.view(np.uint8).reshape(-1, little.itemsize).T
    return base64.b64encode(zlib.compress(planes.tobytes(), LEVEL)).decode("ascii")
