"""Jobs that take a while, run in a thread of their own so that the page stays usable.

A job ends when nobody wants its result any more: when each `BackgroundJob` that waits for it is
cancelled, forgotten, or belongs to somebody who has been away for a while, as a closed browser.
"""

import threading
import time
import traceback
import weakref
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Generic, TypeVar, cast

from viz.jobs.cancellation import CancelledError, cancellation_check

Result = TypeVar("Result")
Done = TypeVar("Done", covariant=True)
ProgressCallback = Callable[[float], None]
"""Called by a job with the passes done since the last call; what it raises ends the job."""
IsPresent = Callable[[], bool]
"""Whether whoever waits is still there, as far as can be known."""

PRESENCE_CHECK_SECONDS = 0.2
"""How often a job looks whether anybody is still there."""
ABSENCE_GRACE_SECONDS = 1.0
"""How long everybody may be away, so that a connection may break and come back."""


def always_present() -> bool:
    """For those who can't go away, such as a command."""
    return True


@dataclass(slots=True, weakref_slot=True)
class _SharedJob(Generic[Result]):
    """What the thread and its watchers both know; the thread must not keep a watcher alive."""

    expected: float
    started: float = field(default_factory=time.monotonic)
    passes: float = 0.0
    watchers: dict[int, IsPresent] = field(default_factory=dict)
    cancelled: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)
    result: Result | None = None
    error: BaseException | None = None
    trace: TracebackType | None = None
    """Where the error was raised; it would grow whenever the error is raised again."""
    _next_check: float = 0.0
    _away_since: float | None = None

    def advance(self, passes: float) -> None:
        """Count passes, and raise `CancelledError` if nobody wants the result."""
        self.passes += passes
        self.check()

    def check(self) -> None:
        """Raise `CancelledError` if nobody wants the result."""
        now = time.monotonic()
        if now >= self._next_check:
            self._next_check = now + PRESENCE_CHECK_SECONDS
            if any(is_present() for is_present in list(self.watchers.values())):
                self._away_since = None
            elif self._away_since is None:
                self._away_since = now
            elif now - self._away_since >= ABSENCE_GRACE_SECONDS:
                self.cancelled.set()
        if self.cancelled.is_set():
            raise CancelledError

    def leave(self, watcher: int) -> None:
        """Take away one who waited; with the last one the job ends."""
        self.watchers.pop(watcher, None)
        if not self.watchers:
            self.cancelled.set()

    def run(self, function: Callable[[ProgressCallback], Result]) -> None:
        """Run the function, and keep its result or its error."""
        try:
            with cancellation_check(self.check):
                self.advance(0)
                self.result = function(self.advance)
        except CancelledError:
            self.error = CancelledError()  # without a trace, which would keep all that was taken
        except BaseException as error:  # whatever it is, the one who asks for the result gets it
            # Frames hold what was computed until then, which may be gigabytes.
            traceback.clear_frames(error.__traceback__)
            self.error, self.trace = error, error.__traceback__
        finally:
            del function  # the trace of an error keeps this frame and what it names
            self.done.set()


class BackgroundJob(Generic[Done]):
    """A job in a thread of its own, as one of those who wait for it sees it.

    Args:
        function: What to run; it calls `progress` now and then, which ends it when cancelled.
        expected: About how many passes it will take.
        is_present: Whether the one who waits is still there.
        shared: The job that another one waits for already and this one will wait for too; then no
            thread is started.
    """

    def __init__(
        self,
        function: Callable[[ProgressCallback], Done],
        expected: float,
        is_present: IsPresent = always_present,
        shared: "_SharedJob[Done] | None" = None,
    ) -> None:
        self._shared: _SharedJob[Done] = (
            _SharedJob(max(expected, 1.0)) if shared is None else shared
        )
        self._cancelled = False
        self._shared.watchers[id(self)] = is_present
        weakref.finalize(self, self._shared.leave, id(self))
        if shared is None:
            threading.Thread(target=self._shared.run, args=(function,), daemon=True).start()

    @property
    def progress(self) -> float:
        """The part of the expected passes that is done, 0 to 1; 1 only when the job is over."""
        if self.done:
            return 1.0
        return min(self._shared.passes / self._shared.expected, 0.99)

    @property
    def seconds_left(self) -> float | None:
        """How long it will still take at its pace so far; None before there is a pace."""
        share = self.progress
        if share < 0.02:
            return None
        return (time.monotonic() - self._shared.started) * (1 - share) / share

    @property
    def done(self) -> bool:
        """Whether it is over: done, failed or canceled."""
        return self._shared.done.is_set()

    @property
    def cancelled(self) -> bool:
        """Whether this one doesn't wait any more, or nobody does."""
        return self._cancelled or self._shared.cancelled.is_set()

    @property
    def abandoned(self) -> bool:
        """Whether it was canceled without this one: everybody was away for a while."""
        return not self._cancelled and self._shared.cancelled.is_set()

    def cancel(self) -> None:
        """Wait no more; where no other one waits, it stops at its next report or layer."""
        self._cancelled = True
        self._shared.leave(id(self))

    def wait(self, seconds: float) -> bool:
        """Whether it was over within so many seconds."""
        return self._shared.done.wait(seconds)

    def result(self) -> Done:
        """What came of it, waited for where it isn't over.

        Raises:
            CancelledError: if it was cancelled before it was done.
            Exception: whatever ended it.
        """
        self._shared.done.wait()
        if self._shared.error is not None:
            raise self._shared.error.with_traceback(self._shared.trace)
        return self._shared.result  # type: ignore[return-value]  # set where there is no error


class JobRegistry:
    """Jobs by key, so that those who ask for the same result wait for the same job."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shared_jobs: weakref.WeakValueDictionary[Hashable, _SharedJob[object]] = (
            weakref.WeakValueDictionary()
        )

    def submit(
        self,
        key: Hashable,
        function: Callable[[ProgressCallback], Result],
        expected: float,
        is_present: IsPresent,
    ) -> BackgroundJob[Result]:
        """The job of a key, started unless one is running; arguments as for `BackgroundJob`."""
        with self._lock:
            shared = cast("_SharedJob[Result] | None", self._shared_jobs.get(key))
            if shared is not None and (shared.cancelled.is_set() or shared.done.is_set()):
                shared = None
            job = BackgroundJob(function, expected, is_present, shared)
            self._shared_jobs[key] = cast("_SharedJob[object]", job._shared)
        return job
