"""How far a piece of work is, for whoever watches it in the same thread."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

ShareProgress = Callable[[float], None]
"""Told the share of all work, 0 to 1, that was done since the last call."""


def no_share_progress(share: float) -> None:
    """For those whom nobody watches."""


_watcher: ContextVar[ShareProgress] = ContextVar("watcher", default=no_share_progress)


def current_progress(share: float = 1.0) -> ShareProgress:
    """Who watches now, to be told by a part that is this share of the whole."""
    watcher = _watcher.get()
    return watcher if share == 1 else lambda done: watcher(share * done)


@contextmanager
def watched_by(watcher: ShareProgress) -> Iterator[None]:
    """Within, work that takes a while tells *watcher* how much of it is done."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)
