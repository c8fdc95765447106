"""How many browsers are connected: once the last one is gone, no reading is kept."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

import streamlit as st

from viz.app.readings import release_memory

RELOAD_SECONDS = 5.0
"""After which a browser that was the last one has gone, and doesn't load the page again."""


@dataclass(slots=True)
class _Visitors:
    """Counts browsers; when the last one has been gone for a while, memory is released."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    count: int = 0
    releases: list[Callable[[], None]] = field(default_factory=lambda: [release_memory])
    """What lets go of memory, each time that the last browser has gone."""

    def connect(self) -> Self:
        """One more is here."""
        with self.lock:
            self.count += 1
        return self

    def disconnect(self) -> None:
        """One has gone."""
        with self.lock:
            self.count -= 1
            last = not self.count
        if last:
            timer = threading.Timer(RELOAD_SECONDS, self._release_memory)
            timer.daemon = True
            timer.start()

    def _release_memory(self) -> None:
        with self.lock:
            if not self.count:  # nobody has come since
                for release in self.releases:
                    release()


_visitors = _Visitors()


# Streamlit releases what belongs to a session when its browser disconnects.
@st.cache_resource(scope="session", on_release=_Visitors.disconnect, show_spinner=False)
def count_visitor() -> _Visitors:
    """Count the browser of this session, once."""
    return _visitors.connect()


def release_when_all_left(release: Callable[[], None]) -> None:
    """From now on, call *release* too when the last browser has gone."""
    _visitors.releases.append(release)
