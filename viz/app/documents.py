"""Texts read in windows: each document once, for all sessions and reruns of a page."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace

import streamlit as st

from finetune.checkpoint.windows import Pooling
from viz.app.cache import LRUCache
from viz.app.checkpoints import load_classifier
from viz.attention.heads import Heads
from viz.attribution.method import no_progress
from viz.documents.document import Document
from viz.documents.read_document import read_document
from viz.documents.window_text import window_text
from viz.jobs.background import ProgressCallback
from viz.model.windows import text_windows
from viz.types import Reading

MAX_DOCUMENTS = 8
"""Documents that are kept; each holds its tokens twice, and no maps."""


@dataclass(frozen=True, slots=True)
class Windows:
    """How a text is read in windows, and which of them is looked at."""

    stride: int | None = None
    """Tokens from one window to the next at most; None as the checkpoint says."""
    pooling: Pooling | None = None
    """How their logits become those of the text; None as the checkpoint says."""
    index: int | None = None
    """The window, counted from 0; None for all of them together."""

    @property
    def whole(self) -> "Windows":
        """All of them together."""
        return replace(self, index=None)


documents = LRUCache(MAX_DOCUMENTS)
"""The documents that were read last, by `key`."""


def key(place: str, version: float, text: str, without: Heads, windows: Windows) -> Hashable:
    """What a document is cached by; its first part is the kind."""
    return ("document", place, version, text, without, windows.whole)


def document(place: str, version: float, text: str, without: Heads, windows: Windows) -> Document:
    """The document, read now where it was not before."""
    return documents.get_or_compute(
        key(place, version, text, without, windows),
        lambda: reading_job(place, version, text, without, windows)(no_progress),
    )


def reading_job(
    place: str, version: float, text: str, without: Heads, windows: Windows
) -> Callable[[ProgressCallback], Document]:
    """What reads a document, and says how far it is."""
    classifier = load_classifier(place, version).without(without)
    return lambda progress: read_document(
        classifier, text, stride=windows.stride, pooling=windows.pooling, progress=progress
    )


def reading(
    place: str,
    version: float,
    text: str,
    without: Heads,
    windows: Windows,
    progress: ProgressCallback = no_progress,
) -> Reading:
    """The reading of one window, as a text of its own; or of all, which has no maps."""
    own = document(place, version, text, without, windows)
    pooled = own.pooled_reading
    if windows.index is None or pooled.document is None:
        return pooled
    encoding = window_text(own.windows[windows.index].encoding)
    window = own.reader(load_classifier(place, version)).read_encoding(encoding, progress)
    return replace(window, document=replace(pooled.document, index=windows.index))


def is_long_window(place: str, version: float, text: str, without: Heads, windows: Windows) -> bool:
    """Whether a window has too many weights to keep, so that it takes a while to read."""
    if windows.index is None:
        return False
    window = document(place, version, text, without, windows).windows[windows.index]
    return load_classifier(place, version).is_long(window.encoding.n_tokens)


@st.cache_data(max_entries=64, show_spinner=False)
def n_windows(place: str, version: float, text: str, stride: int | None = None) -> int:
    """In how many windows a text is read; 1 where the model can read it at once."""
    return len(text_windows(load_classifier(place, version).encoder, text, stride=stride).windows)
