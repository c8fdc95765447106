"""Whether what a thread computes is still wanted, asked in every layer of every pass.

Work in the background brings its own answer with it (`asked`); a server answers for all of its
other threads (`ask_everywhere`).  Whoever computes for longer than a moment calls
`check_cancelled` on the way; models do so by themselves, in each layer (`viz.model.recording`).
"""

import atexit
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NoReturn

Check = Callable[[], None]
"""Returns where the result is still wanted; what it raises ends the computation."""

LAST_WORDS = 2.0
"""Seconds that threads have to end in when the program does."""
GLANCE = 0.01
"""Seconds between two looks at whether they have."""

_check: ContextVar[Check | None] = ContextVar("check", default=None)
_everywhere: list[Check] = []
_ending = threading.Event()


class CancelledError(BaseException):  # as in asyncio, so that no `except Exception` swallows it
    """Raised within a computation that nobody waits for any more."""


def check_cancelled() -> None:
    """Go on where the result is still wanted.

    Raises:
        CancelledError: where it isn't, or where the program ends.
        BaseException: whatever else ends the run of a page.
    """
    if _ending.is_set() and threading.current_thread() is not threading.main_thread():
        raise CancelledError
    own = _check.get()
    if own is not None:
        own()
        return
    for check in _everywhere:
        check()


def current_check() -> Check:
    """What `check_cancelled` does in this thread now, for another thread to do."""
    own = _check.get()
    return check_cancelled if own is None else own


@contextmanager
def asked(check: Check) -> Iterator[None]:
    """Within, `check_cancelled` asks *check*, in this thread."""
    token = _check.set(check)
    try:
        yield
    finally:
        _check.reset(token)


def ask_everywhere(check: Check) -> None:
    """From now on, `check_cancelled` asks *check* where nobody else is asked, in all threads."""
    if check not in _everywhere:
        _everywhere.append(check)


def leave(code: int) -> NoReturn:
    """End the program at once, with a code; threads have `LAST_WORDS` seconds to leave our rooms.

    Files are written beside their places and moved there whole, so a thread that does not leave in
    time can be left behind.
    """
    _end_threads()
    _exit(code)


@atexit.register
def _end_all() -> None:
    """Let all threads leave our rooms before the interpreter ends: torch can't bear losing one."""
    if not _end_threads():
        _exit(1 if hasattr(sys, "last_value") else 0)


def _end_threads() -> bool:
    """Tell all threads to end what they compute; whether they did."""
    _ending.set()
    deadline = time.monotonic() + LAST_WORDS
    while _computing():
        if time.monotonic() > deadline:
            return False
        time.sleep(GLANCE)
    return True


def _exit(code: int) -> NoReturn:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def _computing() -> bool:
    """Whether another thread is in one of our rooms."""
    own = threading.get_ident()
    for ident, frame in sys._current_frames().items():
        while ident != own and frame is not None:
            if frame.f_globals.get("__name__", "").startswith("viz."):
                return True
            frame = frame.f_back  # type: ignore[assignment]  # None above the outermost one
    return False
