"""Readings of texts whose weights are too many to keep: made in the background, kept apart.

Nothing of a short text drives them out, as they take minutes to make.
"""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import cast

import streamlit as st

from viz.app.cache import LRUCache
from viz.app.checkpoints import Identity, load_classifier
from viz.attention.heads import Heads
from viz.attention.long_attention import LongAttention
from viz.attribution import Against
from viz.attribution.long_contribution import LongContribution, long_contribution
from viz.attribution.method import no_progress
from viz.jobs.background import ProgressCallback
from viz.model.classifier import LONG_READING_PASSES, Classifier
from viz.types import Prediction, Reading

ExplainedClasses = tuple[int | None, Against]
"""The class that is explained, None for the predicted one, and what it is compared with."""

MAX_BYTES = 3e9
"""Of what is kept of them: of 22 x 12 heads and 8,192 tokens, two."""
MAX_PREDICTIONS = 256
MAX_ADDED_TOKENS = 16
"""That a tokenizer adds to a text, or to two."""


@dataclass(frozen=True, slots=True)
class LongReading:
    """The reading of a long text, and how long a plain pass over it takes."""

    reading: Reading
    seconds_per_pass: float


def n_bytes(result: object) -> float:
    """What is kept of a reading, or of contributions beside it."""
    if isinstance(result, LongContribution):
        return result.source.nbytes
    attention = result.reading.attention if isinstance(result, LongReading) else None
    return attention.nbytes if isinstance(attention, LongAttention) else 0


readings = LRUCache(MAX_BYTES, n_bytes)
"""The long texts that were read last, by `key_of`, and contributions, by `contribution_key`."""
_predictions = LRUCache(MAX_PREDICTIONS)


def is_long(place: Identity, text: str, pair: str | None) -> bool:
    """Whether the weights of a text are too many to keep, so that it takes a while to read.

    Raises:
        TextError: if no token of the text reaches the model.
    """
    sizes = (len(part.encode("utf-8", "replace")) for part in (text, pair or ""))
    # Each token but the added ones has a byte at least, so that short texts need not be encoded.
    if not load_classifier(*place).is_long(sum(sizes) + MAX_ADDED_TOKENS):
        return False
    return _is_long(*place, text, pair)


def key_of(place: Identity, text: str, pair: str | None, without: Heads = ()) -> Hashable:
    """What a reading is cached by; the first part is the kind of the job that makes it."""
    return ("reading", place, text, pair, without)


def known(place: Identity, text: str, pair: str | None, without: Heads = ()) -> LongReading | None:
    """The reading of a long text; None where there is none yet."""
    return cast("LongReading | None", readings.get(key_of(place, text, pair, without)))


def read(place: Identity, text: str, pair: str | None, without: Heads = ()) -> LongReading:
    """The reading of a long text, made now where it isn't known."""
    make = work(place, text, pair, without)
    return readings.get_or_compute(key_of(place, text, pair, without), lambda: make(no_progress))


def work(
    place: Identity, text: str, pair: str | None, without: Heads = ()
) -> Callable[[ProgressCallback], LongReading]:
    """What makes the reading of a long text, in any thread."""
    key, classifier = key_of(place, text, pair, without), load_classifier(*place)
    return lambda progress: _read(classifier, key, text, pair, without, progress)


def prediction(
    place: Identity, text: str, pair: str | None, without: Heads = ()
) -> Prediction | None:
    """What was predicted for a long text; it is known longer than what is kept of its maps."""
    return cast("Prediction | None", _predictions.get(key_of(place, text, pair, without)))


def contribution_key(place: Identity, explained: ExplainedClasses, *inputs: Hashable) -> Hashable:
    """What contributions to a class are cached by.

    Args:
        place: The checkpoint.
        explained: The class, and what it is compared with.
        inputs: What is read, and without which heads.
    """
    return ("contribution", place, explained, *inputs)


def known_contribution(
    place: Identity, explained: ExplainedClasses, *inputs: Hashable
) -> LongContribution | None:
    """What weights of a long text contribute to a class; None where it isn't known yet.

    Args:
        place: The checkpoint.
        explained: The class, and what it is compared with.
        inputs: What is read, and without which heads.
    """
    key = contribution_key(place, explained, *inputs)
    return cast("LongContribution | None", readings.get(key))


def contribution(
    place: Identity,
    explained: ExplainedClasses,
    text: str,
    pair: str | None,
    without: Heads = (),
) -> LongContribution:
    """What attention weights of a long text contribute to a class, learned now if it isn't known.

    Raises:
        MethodError: if the network isn't linear where attention is held fixed.
    """
    make = contribution_work(place, explained, text, pair, without)
    key = contribution_key(place, explained, text, pair, without)
    return readings.get_or_compute(key, lambda: make(no_progress))


def contribution_work(
    place: Identity,
    explained: ExplainedClasses,
    text: str,
    pair: str | None,
    without: Heads = (),
) -> Callable[[ProgressCallback], LongContribution]:
    """What learns contributions of a long text that is read already, in any thread."""
    classifier, reading = load_classifier(*place), read(place, text, pair, without).reading
    return lambda progress: long_contribution(classifier, reading, *explained, progress=progress)


def _read(
    classifier: Classifier,
    key: Hashable,
    text: str,
    pair: str | None,
    without: Heads,
    progress: ProgressCallback,
) -> LongReading:
    started = time.perf_counter()
    reading = classifier.read(text, pair, without=without, progress=progress)
    _predictions.add(key, reading.prediction)
    return LongReading(reading, (time.perf_counter() - started) / LONG_READING_PASSES)


@st.cache_resource(max_entries=64, show_spinner=False)
def _is_long(place: str, version: float, text: str, pair: str | None) -> bool:
    classifier = load_classifier(place, version)
    return classifier.is_long(classifier.encode(text, pair).n_tokens)
