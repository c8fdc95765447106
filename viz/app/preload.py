"""What is slow to import, imported once, without looking for garbage in between.

torch and transformers make millions of objects that all stay; searching among them for garbage
takes a fifth of the time that importing them takes, and every later search would go through them.
"""

import gc
from functools import cache
from importlib import import_module
from threading import Lock

_importing = Lock()


def import_models() -> None:
    """Import torch, transformers and plotly; a second call meanwhile waits for the first.

    transformers can't be imported by two threads at once.
    """
    with _importing:
        import_once()


@cache
def import_once() -> None:
    """The first call does it; no lock keeps others from doing it meanwhile."""
    gc.disable()
    try:
        for room in ("viz.attribution", "viz.plots.score_bars"):
            import_module(room)
    finally:
        gc.enable()
        gc.freeze()
