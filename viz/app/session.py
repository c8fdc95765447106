"""What a browser session keeps: the keys of its widgets, and what is cached between reruns."""

import ctypes
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import streamlit as st

from viz.app import presence
from viz.app.cache import Kept
from viz.attention import views
from viz.attention.statistics import HeadFacts, head_facts
from viz.attention.views import AttentionView, Quadrant, Unit
from viz.attribution import Against
from viz.attribution.contribution import contribution as contribute
from viz.faithfulness.record import FILE, Record, load
from viz.model.checkpoint import folder_of
from viz.model.classifier import Classifier, default_checkpoint
from viz.model.perturbation import Perturbation
from viz.runs import checkpoint_folders
from viz.types import Contribution, IntArray, Reading

Explained = tuple[int | None, Against]
"""The class that is explained, None for the predicted one, and what it is held against."""


@dataclass(frozen=True, slots=True)
class Shown:
    """How all heads are shown."""

    unit: Unit
    special: bool
    explained: Explained | None
    """The classes whose contributions are shown; None for attention weights."""
    quadrant: Quadrant = "all"
    """Which text of a pair looks at which."""


MEMORY = 1e9
"""Bytes of maps of heads that are kept: of 12 x 12 heads and 512 tokens, six."""
LINGER = 5.0
"""Seconds after which a browser that was the last one has gone, and doesn't load the page again."""
PATIENCE = 0.1
"""Seconds within which a pass is quick enough to be timed a second time."""
FEW_ROWS = 4
"""Rows that are read together to see what one takes."""

SHORT_TEXT = 500
"""The longest text, in characters, that is put into the URL."""

PLOT = {"displayModeBar": False, "scrollZoom": False}
"""How plotly behaves: pictures are saved with our own buttons."""

# Keys of widgets; those that a link restores are also the names of their URL parameters.
CHECKPOINT = "checkpoint"
EXAMPLE = "example"
TEXT = "text"
PAIR = "pair"
HAS_PAIR = "two-texts"
METHOD = "method"
TARGET = "target"
AGAINST = "against"
BARS = "bars"
MEASURE = "show"
UNIT = "unit"
SPECIAL = "special"
LAYER = "layer"
HEAD = "head"
QUADRANT = "quadrant"
CLOSEUP = "view"
QUERY = "query"
BERTVIZ = "bertviz"
BERTVIZ_VIEW = "bertviz-view"
LAYERS = "layers"
SUBJECT = "subject"
FORMAT = "format"
DPI = "dpi"
ATLAS = "atlas"
THEME = "theme"


def start_anew(key: str, words: Sequence[str], first: object) -> None:
    """Put a choice back to its `first` option where others are offered than in the run before.

    Options are numbers to us and words to the browser, which would go on showing the old words.
    """
    known = f"{key}-words"
    if st.session_state.setdefault(known, tuple(words)) != tuple(words):
        st.session_state[known] = tuple(words)
        st.session_state[key] = first


def checkpoints() -> list[str]:
    """Checkpoints that are offered, the shipped one first.

    Those in assets/ and checkpoints/, and the finished runs of the Train page.
    """
    folders = checkpoint_folders.checkpoint_folders()
    folders.sort(key=lambda folder: folder != default_checkpoint())
    return [checkpoint_folders.display_name(folder) for folder in folders]


def classifier(source: str) -> Classifier:
    """The classifier of a checkpoint, loaded once for all sessions and again when it changes."""
    return _load(*identity(source))


def reading(source: str, text: str, pair: str | None) -> Reading:
    """The reading of a text: one forward pass, however often the page runs again."""
    return _read(*identity(source), text, pair)


def facts(source: str, text: str, pair: str | None) -> HeadFacts:
    """What is measured of every head of a reading, computed once."""
    return _facts(*identity(source), text, pair)


def view(source: str, text: str, pair: str | None, shown: Shown) -> AttentionView:
    """All heads as they are shown, computed once."""
    return _view(*identity(source), text, pair, shown)


def contribution(source: str, text: str, pair: str | None, explained: Explained) -> Contribution:
    """What every attention weight hands to a class, computed once."""
    return _contribute(*identity(source), text, pair, explained)


def versions(source: str, text: str, pair: str | None) -> Perturbation:
    """The text with words hidden; what was read of it for one question is known to the next."""
    return _versions(*identity(source), text, pair)


def seconds_per_pass(source: str, text: str, pair: str | None) -> float:
    """How long one plain pass over a text takes, measured once."""
    return _time_a_pass(*identity(source), text, pair)


def record(source: str) -> Record | None:
    """What was measured of all methods for a checkpoint; None where nobody did.

    Raises:
        RecordError: where the file can't be read.
    """
    return _record(*identity(source))


def kept() -> Kept:
    """What was worked out for any session, by what was asked."""
    return _kept()


def identity(source: str) -> tuple[str, float]:
    """Where a checkpoint lies and when it was last written; 0 for a Hub id."""
    offered = {
        checkpoint_folders.display_name(folder): folder
        for folder in checkpoint_folders.checkpoint_folders()
    }
    place = offered.get(source) or folder_of(source)
    if place is None:
        return source, 0.0
    return str(place), _last_change(place)


def _last_change(folder: Path) -> float:
    """When a file of the folder was last written; what can't be looked at is passed over."""
    times = [0.0]
    with suppress(OSError):
        for file in folder.iterdir():
            with suppress(OSError):  # a link that leads nowhere
                times.append(file.stat().st_mtime)
    return max(times)


def _bytes(found: object) -> float:
    """What the maps of all heads take in memory."""
    if isinstance(found, Reading):
        return found.attention.weights.nbytes
    if isinstance(found, Contribution):
        return found.values.nbytes
    return found.weights.nbytes if isinstance(found, AttentionView) else 0


_maps = Kept(MEMORY, _bytes)
"""The maps of all heads of the texts that were read last, let go once no browser is connected."""


@dataclass(slots=True)
class _Visitors:
    """How many browsers are connected; when the last one has been gone for a while, maps go too."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    count: int = 0

    def come(self) -> Self:
        """One more is here."""
        with self.lock:
            self.count += 1
        return self

    def go(self) -> None:
        """One has gone."""
        with self.lock:
            self.count -= 1
            last = not self.count
        if last:
            timer = threading.Timer(LINGER, self.clear)
            timer.daemon = True
            timer.start()

    def clear(self) -> None:
        """Let the maps go where nobody has come since."""
        with self.lock:
            if not self.count:
                _maps.clear()
                _give_memory_back()


def _give_memory_back() -> None:
    """Hand what was freed back to the system, where the C library would keep it."""
    with suppress(OSError, AttributeError):  # one of another kind than glibc
        ctypes.CDLL(None).malloc_trim(0)


_visitors = _Visitors()


# Streamlit releases what belongs to a session when its browser disconnects.
@st.cache_resource(scope="session", on_release=_Visitors.go, show_spinner=False)
def visit() -> _Visitors:
    """Count the browser of this session in."""
    return _visitors.come()


def download(make: Callable[[], bytes]) -> Callable[[], bytes]:
    """What is made of a reading when the browser asks for it; forgotten when that disconnects."""
    _downloads().append(make)
    return presence.while_connected(make)


@st.cache_resource(scope="session", show_spinner=False)
def _downloads() -> deque[Callable[[], bytes]]:
    """What the two buttons make, of this run and the one before, whose click may be on its way."""
    return deque(maxlen=4)


# Classifiers, readings and attributions are never changed once made, so all sessions share them;
# cache_data would copy their arrays on every rerun.
@st.cache_resource(max_entries=4, show_spinner="Loading the checkpoint …")
def _load(place: str, version: float) -> Classifier:
    return Classifier.load(place)


def _read(place: str, version: float, text: str, pair: str | None) -> Reading:
    key = ("reading", place, version, text, pair)
    return _maps.made(key, lambda: _load(place, version).read(text, pair))


@st.cache_resource(max_entries=16, show_spinner=False)
def _facts(place: str, version: float, text: str, pair: str | None) -> HeadFacts:
    read = _read(place, version, text, pair)
    return head_facts(read.encoding, read.attention.weights)


def _contribute(
    place: str, version: float, text: str, pair: str | None, explained: Explained
) -> Contribution:
    read = _read(place, version, text, pair)
    key = ("contribution", place, version, text, pair, explained)
    return _maps.made(
        key,
        # What was read is kept by itself, and let go of by itself.
        lambda: replace(contribute(_load(place, version), read, *explained), reading=None),
    )


def _view(place: str, version: float, text: str, pair: str | None, shown: Shown) -> AttentionView:
    key = ("view", place, version, text, pair, shown)
    return _maps.made(key, lambda: _seen(place, version, text, pair, shown))


def _seen(place: str, version: float, text: str, pair: str | None, shown: Shown) -> AttentionView:
    read = _read(place, version, text, pair)
    values = (
        read.attention.weights
        if shown.explained is None
        else _contribute(place, version, text, pair, shown.explained).values
    )
    whole = views.view(
        read.encoding,
        values,
        unit=shown.unit,
        special=shown.special,
        signed=shown.explained is not None,
    )
    return views.quadrant(whole, shown.quadrant)


@st.cache_resource(max_entries=8, show_spinner=False)
def _record(place: str, version: float) -> Record | None:
    file = Path(place) / FILE
    return load(file) if version and os.path.lexists(file) else None


@st.cache_resource(show_spinner=False)
def _kept() -> Kept:
    """Attributions and what was measured of them."""
    return Kept(256)


@st.cache_resource(max_entries=8, show_spinner=False)
def _versions(place: str, version: float, text: str, pair: str | None) -> Perturbation:
    return Perturbation(_load(place, version), _read(place, version, text, pair).encoding)


@st.cache_resource(max_entries=64, show_spinner=False)
def _time_a_pass(place: str, version: float, text: str, pair: str | None) -> float:
    own, inputs = _load(place, version), _read(place, version, text, pair).encoding.inputs
    alone = _seconds(own, [inputs])
    # The first pass may be slow for reasons of its own, and rows read together take less each.
    return min(alone, _seconds(own, [inputs] * FEW_ROWS) / FEW_ROWS) if alone < PATIENCE else alone


def _seconds(own: Classifier, rows: list[Mapping[str, IntArray]]) -> float:
    started = time.perf_counter()
    own.logits(rows)
    return time.perf_counter() - started
