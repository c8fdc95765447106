"""Garbage is looked for less often: what libraries leave when they are imported stays for good.

torch and transformers make half a million objects.  Python would look through them again and again
while they come in, and once more when the process ends: 2 of the 5 seconds of a short command.
"""

import atexit
import gc
from functools import cache

YOUNG_OBJECTS = 10_000
"""So many new objects before the first look; Python's own number is 700."""


@cache
def collect_less_garbage() -> None:
    """Look for garbage less often from now on, and not at the end of the process."""
    gc.set_threshold(YOUNG_OBJECTS)
    atexit.register(gc.freeze)
