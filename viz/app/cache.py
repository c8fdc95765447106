"""What was worked out, kept for whoever asks the same next."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar, cast
from weakref import WeakValueDictionary

Result = TypeVar("Result")


class _Turn:
    """Whose turn it is to make one result."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


class Kept:
    """What was worked out, by what was asked; of too much, that asked for longest ago goes.

    Args:
        most: How much is kept in all; one result stays, however large.
        size: How much a result counts; 1 where None.
    """

    def __init__(self, most: float, size: Callable[[object], float] | None = None) -> None:
        self._most = most
        self._size = size or (lambda result: 1)
        self._lock = threading.Lock()
        self._results: OrderedDict[Hashable, object] = OrderedDict()
        self._turns: WeakValueDictionary[Hashable, _Turn] = WeakValueDictionary()

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
            while len(self._results) > 1 and self.size > self._most:
                self._results.popitem(last=False)
        return result

    def made(self, key: Hashable, make: Callable[[], Result]) -> Result:
        """What was worked out, or is now; of those who ask at once, one works and all wait."""
        with self._lock:
            turn = self._turns.setdefault(key, _Turn())
        with turn.lock:
            found = cast("Result | None", self.get(key))
            return self.add(key, make()) if found is None else found

    @property
    def size(self) -> float:
        """How much is kept."""
        return sum(map(self._size, self._results.values()))

    def clear(self) -> None:
        """Keep nothing of it."""
        with self._lock:
            self._results.clear()
