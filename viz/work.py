"""Work that takes a while, done in a thread of its own so that the page goes on meanwhile.

The thread is told to stop when its `Work` is cancelled or forgotten, as when a browser closes.
"""

import atexit
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Result = TypeVar("Result")
Done = TypeVar("Done", covariant=True)
Tick = Callable[[float], None]
"""Called by the work with the passes done since the last call; what it raises ends the work."""


class CancelledError(Exception):
    """Raised within work that nobody waits for any more."""


@dataclass(slots=True)
class _State(Generic[Result]):
    """What the thread and its watcher both know; the thread must not keep the watcher alive."""

    expected: float
    started: float = field(default_factory=time.monotonic)
    passes: float = 0.0
    cancelled: threading.Event = field(default_factory=threading.Event)
    finished: threading.Event = field(default_factory=threading.Event)
    result: Result | None = None
    error: Exception | None = None

    def tick(self, passes: float) -> None:
        self.passes += passes
        if self.cancelled.is_set():
            raise CancelledError

    def run(self, do: Callable[[Tick], Result]) -> None:
        try:
            self.tick(0)
            self.result = do(self.tick)
        except Exception as error:  # whatever it is, the one who asks for the result gets it
            self.error = error
        finally:
            self.finished.set()


class Work(Generic[Done]):
    """Something that is being done in a thread of its own.

    Args:
        do: What to do; it calls the tick it is given now and then, which ends it when cancelled.
        expected: About how many passes it will take.
    """

    def __init__(self, do: Callable[[Tick], Done], expected: float) -> None:
        self._state: _State[Done] = _State(max(expected, 1.0))
        weakref.finalize(self, self._state.cancelled.set)
        thread = threading.Thread(target=self._state.run, args=(do,), daemon=True)
        _running[thread] = self._state.cancelled
        thread.start()

    @property
    def share(self) -> float:
        """How much of it is done, by what was expected; 1 only when it is over.  0 to 1."""
        if self.finished:
            return 1.0
        return min(self._state.passes / self._state.expected, 0.99)

    @property
    def seconds_left(self) -> float | None:
        """How long it will still take at its pace so far; None before there is a pace."""
        share = self.share
        if share < 0.02:
            return None
        return (time.monotonic() - self._state.started) * (1 - share) / share

    @property
    def finished(self) -> bool:
        """Whether it is over: done, failed or cancelled."""
        return self._state.finished.is_set()

    @property
    def cancelled(self) -> bool:
        """Whether it was told to stop."""
        return self._state.cancelled.is_set()

    def cancel(self) -> None:
        """Tell it to stop; it does so at its next tick."""
        self._state.cancelled.set()

    def wait(self, seconds: float) -> bool:
        """Whether it was over within so many seconds."""
        return self._state.finished.wait(seconds)

    def result(self) -> Done:
        """What came of it, waited for where it isn't over.

        Raises:
            CancelledError: where it was cancelled before it was done.
            Exception: whatever ended it.
        """
        self._state.finished.wait()
        if self._state.error is not None:
            raise self._state.error
        return self._state.result  # type: ignore[return-value]  # set where there is no error


_running: "weakref.WeakKeyDictionary[threading.Thread, threading.Event]" = (
    weakref.WeakKeyDictionary()
)
LAST_WORDS = 10.0
"""Seconds that a thread has to end in when the program does."""


@atexit.register
def _end_all() -> None:
    """End all threads before the interpreter does: one inside torch would take it down."""
    for cancelled in _running.values():
        cancelled.set()
    for thread in list(_running):
        thread.join(LAST_WORDS)


class Kept:
    """What was worked out, by what was asked; of too many, those asked for longest ago go."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._results: OrderedDict[Hashable, object] = OrderedDict()

    def get(self, key: Hashable) -> object:
        """What was worked out; None where it wasn't."""
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
            return self._results.get(key)

    def add(self, key: Hashable, result: Result) -> Result:
        """Keep a result, and hand it on."""
        with self._lock:
            self._results[key] = result
            self._results.move_to_end(key)
            while len(self._results) > self._most:
                self._results.popitem(last=False)
        return result
