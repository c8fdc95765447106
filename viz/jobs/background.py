"""Work that takes a while, done in a thread of its own so that the page goes on meanwhile.

It ends when nobody wants it any more: when each of its `Work`s is cancelled, forgotten, or belongs
to somebody who has been away for a while, as a browser that was closed.
"""

import threading
import time
import traceback
import weakref
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Generic, TypeVar, cast

from viz.jobs.cancellation import CancelledError, asked

Result = TypeVar("Result")
Done = TypeVar("Done", covariant=True)
ProgressCallback = Callable[[float], None]
"""Called by the work with the passes done since the last call; what it raises ends the work."""
Lives = Callable[[], bool]
"""Whether somebody is still there, as far as can be known."""

PAUSE = 0.2
"""Seconds between two looks at who is still there."""
GRACE = 1.0
"""Seconds that everybody may be away, so that a connection may break and come back."""


def always() -> bool:
    """Whoever can't go away is there."""
    return True


@dataclass(slots=True, weakref_slot=True)
class _Doing(Generic[Result]):
    """What the thread and its watchers both know; the thread must not keep a watcher alive."""

    expected: float
    started: float = field(default_factory=time.monotonic)
    passes: float = 0.0
    watchers: dict[int, Lives] = field(default_factory=dict)
    cancelled: threading.Event = field(default_factory=threading.Event)
    finished: threading.Event = field(default_factory=threading.Event)
    result: Result | None = None
    error: BaseException | None = None
    trace: TracebackType | None = None
    """Where the error was raised; it would grow whenever the error is raised again."""
    _next_look: float = 0.0
    _away_since: float | None = None

    def advance(self, passes: float) -> None:
        """Count passes, and go on where somebody wants the result."""
        self.passes += passes
        self.check()

    def check(self) -> None:
        """Go on where somebody wants the result."""
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + PAUSE
            if any(lives() for lives in list(self.watchers.values())):
                self._away_since = None
            elif self._away_since is None:
                self._away_since = now
            elif now - self._away_since >= GRACE:
                self.cancelled.set()
        if self.cancelled.is_set():
            raise CancelledError

    def leave(self, watcher: int) -> None:
        """Take away one who waited; the last one takes the work along."""
        self.watchers.pop(watcher, None)
        if not self.watchers:
            self.cancelled.set()

    def run(self, do: Callable[[ProgressCallback], Result]) -> None:
        """Do it, and keep what came of it."""
        try:
            with asked(self.check):
                self.advance(0)
                self.result = do(self.advance)
        except CancelledError:
            self.error = CancelledError()  # without a trace, which would keep all that was taken
        except BaseException as error:  # whatever it is, the one who asks for the result gets it
            # Frames hold what was computed until then, which may be gigabytes.
            traceback.clear_frames(error.__traceback__)
            self.error, self.trace = error, error.__traceback__
        finally:
            del do  # the trace of an error keeps this frame and what it names
            self.finished.set()


class Work(Generic[Done]):
    """Something that is being done in a thread of its own, as one who waits for it sees it.

    Args:
        do: What to do; it calls `progress` now and then, which ends it when cancelled.
        expected: About how many passes it will take.
        lives: Whether the one who waits is still there.
        doing: What another one waits for already and this one will wait for too; then nothing
            else is done.
    """

    def __init__(
        self,
        do: Callable[[ProgressCallback], Done],
        expected: float,
        lives: Lives = always,
        doing: "_Doing[Done] | None" = None,
    ) -> None:
        self._doing: _Doing[Done] = _Doing(max(expected, 1.0)) if doing is None else doing
        self._cancelled = False
        self._doing.watchers[id(self)] = lives
        weakref.finalize(self, self._doing.leave, id(self))
        if doing is None:
            threading.Thread(target=self._doing.run, args=(do,), daemon=True).start()

    @property
    def share(self) -> float:
        """How much of it is done, by what was expected; 1 only when it is over.  0 to 1."""
        if self.finished:
            return 1.0
        return min(self._doing.passes / self._doing.expected, 0.99)

    @property
    def seconds_left(self) -> float | None:
        """How long it will still take at its pace so far; None before there is a pace."""
        share = self.share
        if share < 0.02:
            return None
        return (time.monotonic() - self._doing.started) * (1 - share) / share

    @property
    def finished(self) -> bool:
        """Whether it is over: done, failed or cancelled."""
        return self._doing.finished.is_set()

    @property
    def cancelled(self) -> bool:
        """Whether this one doesn't wait any more, or nobody does."""
        return self._cancelled or self._doing.cancelled.is_set()

    @property
    def abandoned(self) -> bool:
        """Whether it was cancelled without this one: everybody was away for a while."""
        return not self._cancelled and self._doing.cancelled.is_set()

    def cancel(self) -> None:
        """Wait no more; where no other one waits, it stops at its next report or layer."""
        self._cancelled = True
        self._doing.leave(id(self))

    def wait(self, seconds: float) -> bool:
        """Whether it was over within so many seconds."""
        return self._doing.finished.wait(seconds)

    def result(self) -> Done:
        """What came of it, waited for where it isn't over.

        Raises:
            CancelledError: where it was cancelled before it was done.
            Exception: whatever ended it.
        """
        self._doing.finished.wait()
        if self._doing.error is not None:
            raise self._doing.error.with_traceback(self._doing.trace)
        return self._doing.result  # type: ignore[return-value]  # set where there is no error


class Works:
    """Work by what was asked, so that those who ask the same wait for the same."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._going_on: weakref.WeakValueDictionary[Hashable, _Doing[object]] = (
            weakref.WeakValueDictionary()
        )

    def wait_for(
        self, key: Hashable, do: Callable[[ProgressCallback], Result], expected: float, lives: Lives
    ) -> Work[Result]:
        """The work on a question, begun where nobody waits for it yet; arguments as for `Work`."""
        with self._lock:
            doing = cast("_Doing[Result] | None", self._going_on.get(key))
            if doing is not None and (doing.cancelled.is_set() or doing.finished.is_set()):
                doing = None
            work = Work(do, expected, lives, doing)
            self._going_on[key] = cast("_Doing[object]", work._doing)
        return work
