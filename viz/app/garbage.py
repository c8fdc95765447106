"""How often the server looks for garbage: seldom, since all of it stands still meanwhile.

Streamlit would look after each run, also of a fragment that only asks how far a job is: that took
.2 to 1 s on a busy machine once pages had imported all their libraries, 20 to 80 ms before.
"""

import gc
import time

MAX_SHARE = 0.05
"""The part of the time that may be spent on it."""
_next = 0.0


def collect_garbage() -> None:
    """Free what a run of a page left behind, unless that was done a moment ago.

    Arrays of megabytes may hang on a few objects, after which Python would not look for long.
    """
    global _next
    begun = time.monotonic()
    if begun < _next:
        return
    gc.collect()
    ended = time.monotonic()
    _next = ended + (ended - begun) / MAX_SHARE
