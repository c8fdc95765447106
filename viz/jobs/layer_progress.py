"""Progress within a pass: of a long text one pass takes minutes, and each of its layers counts.

Whoever waits sets a callback for the passes of its thread; what differentiates a long text calls it
layer by layer, on the way up and down (`viz.model.checkpointing`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from viz.jobs.background import ProgressCallback

_progress: ContextVar[ProgressCallback | None] = ContextVar("layer_progress", default=None)


def current_layer_progress() -> ProgressCallback | None:
    """What to call in this thread with the share of a pass that a layer is, if anybody waits."""
    return _progress.get()


@contextmanager
def layer_progress(progress: ProgressCallback) -> Iterator[None]:
    """Within, layers of long texts report to *progress*, in this thread."""
    token = _progress.set(progress)
    try:
        yield
    finally:
        _progress.reset(token)
