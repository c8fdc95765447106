"""A long text: a strip of all of it, and the words of the passage that is read."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import streamlit as st

from finetune.checkpoint.arrays import FloatArray
from viz.app import background, checkpoints, keys, readings
from viz.app.background import ExplanationRequest
from viz.app.panels import windows
from viz.attention import words
from viz.attention.sentences import LONG_WORDS, Division, excerpt
from viz.attention.words import Span
from viz.attribution import METHODS, find_method
from viz.attribution.descriptions import explained_scalar, quantity, scale_ends, summary
from viz.documents.document import Document
from viz.types import Attribution, Encoding, Reading
from viz.widgets.colored_text.component import colored_text
from viz.widgets.strip.component import chosen, strip
from viz.widgets.strip.payload import WindowBar, payload

STRIP = "strip"
"""Key of the picture."""


def is_long(encoding: Encoding) -> bool:
    """Whether a text is shown passage by passage."""
    if encoding.n_tokens <= LONG_WORDS:
        return False
    return sum(not span.special for span in words.spans(encoding)) > LONG_WORDS


# Another passage concerns nothing else on the page.
@st.fragment
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
    divided = division(request, document)
    result = cast("Attribution | None", background.results().get(request.key("attribution")))
    passage = None
    if result is not None:
        sums = words.merge(result.scores, divided.sentences)
        passage = _passage(request.text, divided, sums)
    _show_strip(request, reading, document, divided, result, passage, window)
    if result is not None and passage is not None and window is None:
        _show_passage(reading, shown_encoding(reading, document), divided, result, passage)


def division(request: ExplanationRequest, document: Document | None) -> Division:
    """The sentences, paragraphs and passages of a text, worked out once."""
    encoding = shown_encoding(readings.read(*request.inputs), document)
    inputs = (*request.inputs[1:3], request.windows)
    return _division(encoding, checkpoints.identity(request.source), inputs)


def shown_encoding(reading: Reading, document: Document | None) -> Encoding:
    """What was read, and which stretches of it no window saw."""
    return reading.encoding if document is None else document.seen_encoding


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
    sentences, low, high, caption = divided.sentences, "", "", ""
    sums: FloatArray = np.zeros(0)
    if attribution is None:
        sentences = ()
    else:
        sums = words.merge(attribution.scores, sentences)
        low, high = ends(reading, attribution)
        caption = summary(reading, attribution, signed=method.signed, relative=method.relative)
    strip(
        payload(
            shown_encoding(reading, document),
            sentences,
            sums,
            signed=method.signed,
            relative=method.relative,
            paragraphs=divided.paragraphs,
            passages=divided.passages if attribution is not None else (),
            passage=passage if window is None else None,
            windows=[] if document is None else _bars(request, document),
            window=window,
        ),
        name="The whole text",
        note=_counts(divided, document),
        low_label=low,
        high_label=high,
        unseen_label=_unseen(reading, document),
        caption=caption if window is not None else "",
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


def _counts(divided: Division, document: Document | None) -> str:
    """How many sentences, paragraphs and windows there are."""
    numbers = {
        "sentence": divided.n_sentences,
        "paragraph": len(divided.paragraphs),
        "window": 0 if document is None else len(document.windows),
    }
    return " · ".join(
        f"{count:,} {name}{'' if count == 1 else 's'}" for name, count in numbers.items() if count
    )


def _unseen(reading: Reading, document: Document | None) -> str:
    """How much of a text was not seen; empty where all was."""
    own = reading.encoding
    n_unseen = own.n_unseen if document is None else document.n_unseen
    n_tokens = own.n_tokens + own.n_unseen
    return f"never seen: {n_unseen:,} of {n_tokens:,} tokens" if n_unseen else ""


def _show_passage(
    reading: Reading,
    encoding: Encoding,
    divided: Division,
    attribution: Attribution,
    passage: int,
) -> None:
    method = find_method(attribution.method)
    scores = words.merge(attribution.scores, divided.words)
    own = excerpt(encoding, divided.words, divided.passage_numbers, passage)
    ordinary = [not word.special for word in divided.words]
    errors = word_errors(attribution, own.words)
    low, high = ends(reading, attribution)
    colored_text(
        own.encoding,
        own.words,
        scores[own.indices],
        errors=errors,
        signed=method.signed,
        relative=method.relative,
        largest=float(np.abs(scores[ordinary]).max(initial=0.0)),
        key="colored-text",
        low_label=low,
        high_label=high,
        caption=summary(reading, attribution, signed=method.signed, relative=method.relative),
    )


def word_errors(attribution: Attribution, spans: Sequence[Span]) -> FloatArray | None:
    """Standard errors of the words: squares of those of their tokens add up.  (n,)"""
    if attribution.errors is None:
        return None
    return np.sqrt(words.merge(np.square(attribution.errors), spans))


def _passage(text: str, divided: Division, sums: FloatArray) -> int | None:
    """The passage that is shown: at first the one with the strongest sentence."""
    choice: tuple[str, int] | None = st.session_state.get(keys.PASSAGE)
    if choice is None and st.query_params.get(keys.PASSAGE, "").isdecimal():
        choice = (text, int(st.query_params[keys.PASSAGE]) - 1)
    number = choice[1] if choice is not None and choice[0] == text else -1
    if 0 <= number < len(divided.passages):
        st.query_params[keys.PASSAGE] = str(number + 1)
        return number
    st.query_params.pop(keys.PASSAGE, None)
    if not len(sums):
        return None
    return divided.passage_of(divided.sentences[int(np.abs(sums).argmax())])


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
