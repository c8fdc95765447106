"""Readings of texts and what is computed from them: once, for all sessions and reruns of a page."""

import ctypes
import time
from collections.abc import Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeAlias, TypedDict

import streamlit as st

from finetune.checkpoint.arrays import FloatArray, IntArray
from viz.app import documents, long_readings
from viz.app.cache import LRUCache
from viz.app.checkpoints import identity, load_classifier
from viz.app.documents import Windows
from viz.attention import views
from viz.attention.heads import Heads
from viz.attention.long_attention import LongAttention
from viz.attention.long_view import LongView, long_view
from viz.attention.map_source import ArrayMaps
from viz.attention.statistics import HeadStatistics
from viz.attention.statistics import head_statistics as compute_head_statistics
from viz.attention.views import AttentionView, Quadrant
from viz.attention.words import Unit
from viz.attribution.contribution import contribution as compute_contribution
from viz.attribution.long_contribution import LongContribution, long_contribution
from viz.documents.document_versions import DocumentVersions
from viz.model.classifier import Classifier
from viz.model.perturbation import Perturbation
from viz.types import Attention, Contribution, Reading

MAX_CACHED_BYTES = 1e9
"""Of maps of all heads: of 12 x 12 heads and 512 tokens, six."""
QUICK_PASS_SECONDS = 0.1
"""Within which a pass is timed a second time."""
MAX_WHOLE_CELLS = 2**21
"""Of one map that is sent as a whole; of a larger one only what is looked at."""
TIMED_ROWS = 4
"""Rows that are read together to see what one takes."""


class LongOptions(TypedDict):
    """Arguments of `long_view`."""

    unit: Unit
    special: bool
    quadrant: Quadrant


ExplainedClasses: TypeAlias = long_readings.ExplainedClasses


@dataclass(frozen=True, slots=True)
class ViewOptions:
    """How all heads are shown."""

    unit: Unit
    special: bool
    explained: ExplainedClasses | None
    """The classes whose contributions are shown; None for attention weights."""
    quadrant: Quadrant = "all"
    """Which text of a pair looks at which."""


def read(
    source: str, text: str, pair: str | None, without: Heads = (), windows: Windows | None = None
) -> Reading:
    """The reading of a text: one forward pass, however often the page runs again.

    Of a text that is read in `windows` it is that of one, or of all together, without maps.
    """
    return _read(*identity(source), text, pair, without, windows)


def head_statistics(
    source: str, text: str, pair: str | None, without: Heads = (), windows: Windows | None = None
) -> HeadStatistics:
    """What is measured of every head of a reading."""
    return _head_facts(*identity(source), text, pair, without, windows)


def view(
    source: str,
    text: str,
    pair: str | None,
    options: ViewOptions,
    without: Heads = (),
    windows: Windows | None = None,
) -> AttentionView | LongView:
    """All heads as they are shown; a `LongView` where one map has too many cells to be sent."""
    return _view(*identity(source), text, pair, options, without, windows)


def contribution(
    source: str,
    text: str,
    pair: str | None,
    explained: ExplainedClasses,
    without: Heads = (),
    windows: Windows | None = None,
) -> Contribution | LongContribution:
    """What every attention weight contributes to a class."""
    return _contribution(*identity(source), text, pair, explained, without, windows)


def perturbation(
    source: str, text: str, pair: str | None, without: Heads = (), windows: Windows | None = None
) -> Perturbation:
    """The text with words hidden; versions read for one question are there for the next."""
    return _perturbation(*identity(source), text, pair, without, windows)


def seconds_per_pass(
    source: str, text: str, pair: str | None, without: Heads = (), windows: Windows | None = None
) -> float:
    """How long one plain pass over a text, or over one of its windows, takes, measured once."""
    return _seconds_per_pass(*identity(source), text, pair, without, windows)


def release_memory() -> None:
    """Let go of the maps of all heads, and hand what is freed back to the system."""
    kept.clear()
    long_readings.readings.clear()
    with suppress(OSError, AttributeError):  # a C library of another kind than glibc
        ctypes.CDLL(None).malloc_trim(0)


def _n_bytes(result: object) -> float:
    """What the maps of all heads take in memory."""
    if isinstance(result, Reading):
        attention = result.attention
        if isinstance(attention, LongAttention):
            return attention.nbytes
        return attention.weights.nbytes if isinstance(attention, Attention) else 0
    if isinstance(result, LongContribution):
        return result.source.nbytes
    if isinstance(result, Contribution):
        return result.values.nbytes
    return result.weights.nbytes if isinstance(result, AttentionView) else 0


kept = LRUCache(MAX_CACHED_BYTES, _n_bytes)
"""The maps of all heads of the texts that were read last."""


def reading_key(place: str, version: float, *inputs: Hashable) -> Hashable:
    """What a reading is cached by in `kept`; its first part is the kind.

    Args:
        place: Where the checkpoint lies.
        version: When it was written.
        inputs: What is read: text, second text, heads that are off, windows.
    """
    return ("reading", place, version, *inputs)


# What is computed is never changed, so all sessions share it; cache_data would copy arrays on every
# rerun.
def _read(
    place: str,
    version: float,
    text: str,
    pair: str | None,
    without: Heads,
    windows: Windows | None,
) -> Reading:
    if windows is not None and windows.index is None:
        return documents.reading(place, version, text, without, windows)  # cached there
    if windows is None and long_readings.is_long((place, version), text, pair):
        return long_readings.read((place, version), text, pair, without).reading
    key = reading_key(place, version, text, pair, without, windows)

    def compute() -> Reading:
        if windows is not None:
            return documents.reading(place, version, text, without, windows)
        return load_classifier(place, version).read(text, pair, without=without)

    return kept.get_or_compute(key, compute)


@st.cache_resource(max_entries=16, show_spinner=False)
def _head_facts(
    place: str,
    version: float,
    text: str,
    pair: str | None,
    without: Heads,
    windows: Windows | None,
) -> HeadStatistics:
    reading = _read(place, version, text, pair, without, windows)
    attention = reading.attention
    if isinstance(attention, LongAttention):
        return attention.statistics
    return compute_head_statistics(reading.encoding, attention.weights, attention.impossible)


def _contribution(
    place: str,
    version: float,
    text: str,
    pair: str | None,
    explained: ExplainedClasses,
    without: Heads,
    windows: Windows | None,
) -> Contribution | LongContribution:
    if windows is None and long_readings.is_long((place, version), text, pair):
        return long_readings.contribution((place, version), explained, text, pair, without)
    classifier, reading = (
        load_classifier(place, version),
        _read(place, version, text, pair, without, windows),
    )
    key = ("contribution", place, version, text, pair, explained, without, windows)

    def compute() -> Contribution | LongContribution:
        if isinstance(reading.attention, LongAttention):
            return long_contribution(classifier, reading, *explained)
        # The reading is cached by itself, and dropped by itself.
        return replace(compute_contribution(classifier, reading, *explained), reading=None)

    return kept.get_or_compute(key, compute)


def _view(
    place: str,
    version: float,
    text: str,
    pair: str | None,
    options: ViewOptions,
    without: Heads,
    windows: Windows | None,
) -> AttentionView | LongView:
    reading, explained = _read(place, version, text, pair, without, windows), options.explained
    attention = reading.attention
    shown = LongOptions(unit=options.unit, special=options.special, quadrant=options.quadrant)
    contributed = (
        None
        if explained is None
        else _contribution(place, version, text, pair, explained, without, windows)
    )
    if isinstance(contributed, LongContribution):
        return contributed.view(**shown)
    if isinstance(attention, LongAttention):
        return attention.view(**shown)

    def values() -> FloatArray:
        return attention.weights if contributed is None else contributed.values

    if attention.n_tokens**2 > MAX_WHOLE_CELLS:
        # It keeps the weights, so it isn't kept.
        maps = ArrayMaps(values(), attention.impossible, signed=explained is not None)
        return long_view(reading.encoding, maps, **shown)

    def compute() -> AttentionView:
        whole = views.view(
            reading.encoding,
            values(),
            unit=options.unit,
            special=options.special,
            signed=explained is not None,
            impossible=attention.impossible,
        )
        return views.quadrant(whole, options.quadrant)

    return kept.get_or_compute(
        ("view", place, version, text, pair, options, without, windows), compute
    )


@st.cache_resource(max_entries=8, show_spinner=False)
def _perturbation(
    place: str,
    version: float,
    text: str,
    pair: str | None,
    without: Heads,
    windows: Windows | None,
) -> Perturbation:
    if windows is not None and windows.index is None:
        document = documents.document(place, version, text, without, windows)
        return DocumentVersions(document.reader(load_classifier(place, version)), document)
    reading = _read(place, version, text, pair, without, windows)
    return Perturbation(load_classifier(place, version).without(without), reading.encoding)


@st.cache_resource(max_entries=64, show_spinner=False)
def _seconds_per_pass(
    place: str,
    version: float,
    text: str,
    pair: str | None,
    without: Heads,
    windows: Windows | None,
) -> float:
    if windows is None and long_readings.is_long((place, version), text, pair):
        return long_readings.read((place, version), text, pair, without).seconds_per_pass
    classifier = load_classifier(place, version)
    if windows is None:
        inputs = _read(place, version, text, pair, without, windows).encoding.inputs
    else:
        document = documents.document(place, version, text, without, windows)
        inputs = document.windows[windows.index or 0].encoding.inputs
    return timed_pass(classifier, inputs)


def timed_pass(classifier: Classifier, inputs: Mapping[str, IntArray]) -> float:
    """How many seconds one plain pass takes; any thread may ask."""
    alone = _seconds(classifier, [inputs])
    if alone >= QUICK_PASS_SECONDS:
        return alone
    # The first pass may be slow for reasons of its own, and rows read together take less each.
    return min(alone, _seconds(classifier, [inputs] * TIMED_ROWS) / TIMED_ROWS)


def _seconds(classifier: Classifier, rows: list[Mapping[str, IntArray]]) -> float:
    started = time.perf_counter()
    classifier.logits(rows)
    return time.perf_counter() - started
