"""Results cached by what was asked, and computed once where several ask at the same time."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar, cast
from weakref import WeakValueDictionary

Result = TypeVar("Result")


class _Lock:
    """Held by whoever computes one result; a lock that can be referred to weakly."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


class LRUCache:
    """Results by key; where they are too many or too large, the least recently used go.

    Args:
        max_size: What all of them may count; one result stays, however large.
        size_of: How much a result counts; 1 where None.
    """

    def __init__(self, max_size: float, size_of: Callable[[object], float] | None = None) -> None:
        self._max_size = max_size
        self._size_of = size_of or (lambda result: 1)
        self._lock = threading.Lock()
        self._results: OrderedDict[Hashable, object] = OrderedDict()
        self._computing: WeakValueDictionary[Hashable, _Lock] = WeakValueDictionary()

    def get(self, key: Hashable) -> object:
        """The result; None where there is none."""
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
            return self._results.get(key)

    def add(self, key: Hashable, result: Result) -> Result:
        """Cache a result, and return it."""
        with self._lock:
            self._results[key] = result
            self._results.move_to_end(key)
            while len(self._results) > 1 and self.size > self._max_size:
                self._results.popitem(last=False)
        return result

    def remove(self, key: Hashable) -> None:
        """Drop a result; nothing where there is none."""
        with self._lock:
            self._results.pop(key, None)

    def get_or_compute(self, key: Hashable, compute: Callable[[], Result]) -> Result:
        """The result, computed where there is none; of several who ask at once, one computes."""
        with self._lock:
            computing = self._computing.setdefault(key, _Lock())
        with computing.lock:
            result = cast("Result | None", self.get(key))
            return self.add(key, compute()) if result is None else result

    @property
    def size(self) -> float:
        """What all results count."""
        return sum(map(self._size_of, self._results.values()))

    def clear(self) -> None:
        """Drop all results."""
        with self._lock:
            self._results.clear()
