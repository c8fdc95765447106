"""What is slow to import, imported once, without looking for garbage in between.

torch and transformers make millions of objects that all stay; searching among them for garbage
takes a fifth of the time that importing them takes, and every later search would go through them.
"""

import gc
from functools import cache
from importlib import import_module


@cache
def import_models() -> None:
    """Import torch, transformers and plotly; a second call meanwhile waits for the first."""
    gc.disable()
    try:
        for room in ("viz.attribution", "viz.plots.score_bars"):
            import_module(room)
    finally:
        gc.enable()
        gc.freeze()
