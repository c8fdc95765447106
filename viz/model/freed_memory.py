"""Memory that was freed, given back to the system.

glibc keeps what is freed below a block in use: after the layers of a long text several gigabytes,
which no later layer finds in the sizes that it needs.
"""

import ctypes
import sys
from functools import cache


def give_back_memory() -> None:
    """Give back what was freed, where the system's library can; a few milliseconds."""
    library = _c_library()
    if library is not None:
        library.malloc_trim(0)


@cache
def _c_library() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "malloc_trim") else None  # musl has none
