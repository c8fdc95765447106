"""Cancellation: every layer of every pass checks whether the result is still wanted.

A background job brings a check of its own (`cancellation_check`); a server sets one for all of its
other threads (`check_all_threads_by`).  Code that computes for longer than a moment calls
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

EXIT_TIMEOUT_SECONDS = 2.0
"""How long threads may take to end when the program does."""
EXIT_POLL_SECONDS = 0.01
"""How often it is checked whether they have."""

_check: ContextVar[Check | None] = ContextVar("check", default=None)
_everywhere: list[Check] = []
_ending = threading.Event()


class CancelledError(BaseException):  # as in asyncio, so that no `except Exception` swallows it
    """Raised within a computation that nobody waits for any more."""


def check_cancelled() -> None:
    """Return if the result is still wanted.

    Raises:
        CancelledError: if it isn't, or if the program ends.
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
def cancellation_check(check: Check) -> Iterator[None]:
    """Within, `check_cancelled` calls *check*, in this thread."""
    token = _check.set(check)
    try:
        yield
    finally:
        _check.reset(token)


def check_all_threads_by(check: Check) -> None:
    """From now on, `check_cancelled` calls *check* in every thread that has none of its own."""
    if check not in _everywhere:
        _everywhere.append(check)


def exit_process(code: int) -> NoReturn:
    """End the program with an exit code; threads have `EXIT_TIMEOUT_SECONDS` to leave our code.

    Files are written beside their places and moved there whole, so a thread that does not leave in
    time can be left behind.
    """
    _end_threads()
    _exit(code)


@atexit.register
def _end_all() -> None:
    """End all threads before the interpreter does: torch crashes if one is torn away."""
    if not _end_threads():
        _exit(1 if hasattr(sys, "last_value") else 0)


def _end_threads() -> bool:
    """End what all threads compute; False if one takes longer than `EXIT_TIMEOUT_SECONDS`."""
    _ending.set()
    deadline = time.monotonic() + EXIT_TIMEOUT_SECONDS
    while _computing():
        if time.monotonic() > deadline:
            return False
        time.sleep(EXIT_POLL_SECONDS)
    return True


def _exit(code: int) -> NoReturn:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def _computing() -> bool:
    """Whether another thread runs code of this package."""
    own = threading.get_ident()
    for ident, frame in sys._current_frames().items():
        while ident != own and frame is not None:
            if frame.f_globals.get("__name__", "").startswith("viz."):
                return True
            frame = frame.f_back  # type: ignore[assignment]  # None above the outermost one
    return False
