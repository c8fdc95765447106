"""A long text: a strip of all of it, and the words of the passage that is read."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from finetune.checkpoint.arrays import FloatArray
from viz.app import background, checkpoints, keys, link, readings
from viz.app.background import ExplanationRequest
from viz.app.panels import windows
from viz.app.panels.fragment import fragment
from viz.attention import words
from viz.attention.sentences import Division, counts, excerpt
from viz.attention.words import Span
from viz.attribution import METHODS, find_method
from viz.attribution.descriptions import (
    explained_scalar,
    is_relative,
    quantity,
    scale_ends,
    summary,
)
from viz.documents.document import Document
from viz.types import Attribution, Encoding, Reading
from viz.widgets.colored_text.component import colored_text
from viz.widgets.strip.component import chosen, strip
from viz.widgets.strip.payload import WindowBar, payload, texts

STRIP = "strip"
"""Key of the picture."""


# Another passage concerns nothing else on the page.
@fragment
def show(request: ExplanationRequest, window: int | None = None) -> None:
    """Show the strip, and below it the passage that the reader chose.

    Args:
        request: What is explained; before that is known the strip has no colors.
        window: The window that is open, which is shown elsewhere; None where a passage is shown.
    """
    document = request.document
    if document is not None and windows.opened(request.text, document) != window:
        st.rerun()  # the whole page: it shows another window
    reading = readings.read(*request.inputs)
    divided = division(request)
    result = background.known_attribution(request)
    passage = None
    if result is not None:
        sums = words.merge(result.shown, divided.sentences)
        passage = _passage(request.text, divided, sums)
    _show_strip(request, reading, document, divided, result, passage, window)
    if result is not None and passage is not None and window is None:
        _show_passage(reading, divided, result, passage)


def division(request: ExplanationRequest) -> Division:
    """The sentences, paragraphs and passages of a text, worked out once."""
    encoding = readings.read(*request.inputs).encoding
    inputs = (*request.inputs[1:3], request.windows)
    return _division(encoding, checkpoints.identity(request.source), inputs)


@st.cache_resource(max_entries=8, show_spinner=False)
def _division(_encoding: Encoding, checkpoint: object, inputs: object) -> Division:
    return Division.of(_encoding)


def _show_strip(
    request: ExplanationRequest,
    reading: Reading,
    document: Document | None,
    divided: Division,
    attribution: Attribution | None,
    passage: int | None,
    window: int | None,
) -> None:
    method = METHODS[request.method]
    n_windows = 0 if document is None else len(document.windows)
    sentences, low, high, caption, relative = divided.sentences, "", "", "", False
    sums: FloatArray = np.zeros(0)
    if attribution is None:
        sentences = ()
    else:
        sums = words.merge(attribution.shown, sentences)
        low, high = ends(reading, attribution)
        relative = is_relative(attribution)
        caption = summary(reading, attribution)
    strip(
        payload(
            reading.encoding,
            sentences,
            sums,
            signed=method.signed,
            relative=relative,
            paragraphs=divided.paragraphs,
            passages=divided.passages if attribution is not None else (),
            passage=passage if window is None else None,
            windows=[] if document is None else _bars(request, document),
            window=window,
        )
        | texts(
            name="The whole text",
            note=divided.counts + (f" · {counts({'window': n_windows})}" if n_windows else ""),
            low=low,
            high=high,
            unseen=_unseen(reading, document),
            caption=caption if window is not None else "",
        ),
        key=STRIP,
        on_change=_follow,
    )


def ends(reading: Reading, attribution: Attribution) -> tuple[str, str]:
    """What the lowest and the highest score of a word mean."""
    signed = find_method(attribution.method).signed
    return scale_ends(reading.prediction, attribution) if signed else ("none", "most")


def _bars(request: ExplanationRequest, document: Document) -> list[WindowBar]:
    """Each window with what it says by itself."""
    prediction = document.prediction
    target = windows.explained_target(request, document)
    has_no_class = prediction.regression or prediction.multi_label
    scalar, bars = explained_scalar(prediction, target), []
    for index, window in enumerate(document.windows):
        margin = float(target.value(window.logits))
        written = quantity(margin, signed=True, regression=prediction.regression)
        label = "" if has_no_class else f"{prediction.labels[int(window.logits.argmax())]} "
        bars.append(
            WindowBar(
                start=window.start,
                end=window.end,
                name=f"{label}{written}",
                score=margin,
                title=f"Window {index}: {label and f'{label}· '}{scalar} = {written}",
            )
        )
    return bars


def _unseen(reading: Reading, document: Document | None) -> str:
    """How much of a text was not seen; empty where all was."""
    own = reading.encoding
    n_unseen = own.n_unseen if document is None else document.n_unseen
    n_tokens = own.n_tokens + own.n_unseen
    return f"never seen: {n_unseen:,} of {n_tokens:,} tokens" if n_unseen else ""


def _show_passage(
    reading: Reading,
    divided: Division,
    attribution: Attribution,
    passage: int,
) -> None:
    method = find_method(attribution.method)
    scores = words.merge(attribution.shown, divided.words)
    own = excerpt(reading.encoding, divided.words, divided.passage_numbers, passage)
    ordinary = [not word.special for word in divided.words]
    errors = word_errors(attribution, own.words)
    low, high = ends(reading, attribution)
    colored_text(
        own.encoding,
        own.words,
        scores[own.indices],
        errors=errors,
        signed=method.signed,
        relative=is_relative(attribution),
        largest=float(np.abs(scores[ordinary]).max(initial=0.0)),
        key="colored-text",
        low_label=low,
        high_label=high,
        caption=summary(reading, attribution),
    )


def word_errors(attribution: Attribution, spans: Sequence[Span]) -> FloatArray | None:
    """Standard errors of the words: squares of those of their tokens add up.  (n,)"""
    errors = attribution.shown_errors
    return None if errors is None else np.sqrt(words.merge(np.square(errors), spans))


def _passage(text: str, divided: Division, sums: FloatArray) -> int | None:
    """The passage that is shown: at first the one with the strongest sentence."""
    if link.decides(keys.PASSAGE):
        st.session_state[keys.PASSAGE] = (text, (link.number(keys.PASSAGE) or 0) - 1)
    chosen: tuple[str, int] = st.session_state[keys.PASSAGE]
    number = chosen[1] if chosen[0] == text else -1
    is_there = 0 <= number < len(divided.passages)
    link.keep({keys.PASSAGE: str(number + 1) if is_there else None})
    if is_there:
        return number
    return divided.strongest_passage(sums) if len(sums) else None


def _follow() -> None:
    """Carry a click in the strip over to what is shown."""
    choice = chosen(STRIP)
    if choice is None:
        return
    if choice.kind == "window":
        windows.open_window(choice.number)
    else:
        windows.open_window(None)
        st.session_state[keys.PASSAGE] = (st.session_state[keys.TEXT], choice.number)
