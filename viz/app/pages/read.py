"""The Read page: paste a text, see its class, the words that made it and every head."""

from dataclasses import replace
from pathlib import Path

import streamlit as st

from viz.app import checkpoints, keys, readings
from viz.app.markdown import plain
from viz.app.panels import (
    bertviz,
    evidence,
    explanation,
    heads,
    heads_off,
    importance,
    long_reading,
    masthead,
    save,
    source,
    text,
    windows,
)
from viz.errors import VizError
from viz.types import Attention
from viz.widgets.theme.component import follow_theme


def page() -> None:
    """Lay the page out; a VizError ends it with its one sentence, and the widgets stay."""
    st.html(Path(__file__).parent / "page.css")
    text.restore_from_link()
    with masthead.row():
        chosen = source.choose_checkpoint()
        source.choose_example()
        text.toggle_second_text()
    source.warn_of_link(chosen)
    try:
        read(chosen)
    except VizError as error:
        st.error(plain(str(error)), icon=":material/error:")
    follow_theme(keys.THEME)


def read(checkpoint: str) -> None:
    """Read the text and show what came of it."""
    left, right = st.columns([5, 3], gap="medium")
    with left:
        texts = text.write_text()
    chosen = windows.choose(checkpoint, texts)
    texts = replace(texts, without=heads_off.chosen(checkpoint), windows=chosen)
    document = None
    if texts.windows is not None:
        document = windows.wait(checkpoint, texts)
        if document is None:
            windows.offer(checkpoint, texts.windows)
            return
    with right:
        if not long_reading.wait(checkpoint, texts):
            return
    reading = readings.read(checkpoint, *texts.inputs)
    with left:  # last in its column, so that it moves nothing of the page, and no focus is lost
        heads_off.say(checkpoint, texts)
    with right:
        text.show_prediction(reading, checkpoints.classifier(checkpoint).temperature)
        if document is not None:
            st.caption(windows.pooled(document))
        text.offer_comparison()
    if document is None:
        text.show_notes(reading.encoding.notes)
    else:
        windows.show_notes(document)
    if windows.is_beyond_limit(checkpoint, texts):
        windows.offer(checkpoint, texts.windows, document)
    st.divider()
    request, badge = explanation.ask(checkpoint, texts, reading.prediction)
    answer = st.container()
    st.divider()
    window = None if document is None else windows.opened(texts.text, document)
    own = request
    if document is not None and window is not None:
        own = windows.one_window(request, document, window)
    texts = replace(texts, windows=own.windows)
    if not long_reading.wait(checkpoint, texts):
        with answer:
            explanation.answer(request, reading, window)
        return
    # Heads first: an attribution takes longer, and nobody should wait for it to see the atlas.
    if own.document is not None:
        windows.hint()
        save.offer(checkpoint, texts, own, None)
    else:
        heads.show_heads(
            checkpoint,
            texts,
            own.classes,
            beneath=lambda selection: save.offer(checkpoint, texts, own, selection),
        )
    own_reading = readings.read(checkpoint, *texts.inputs)
    # What is read a hundred times, or drawn as a whole, takes too long for a long text.
    has_all_weights = isinstance(own_reading.attention, Attention)
    if has_all_weights:
        importance.offer(own)
    with answer:
        attribution = explanation.answer(request, reading, window)
        if window is not None:
            windows.head_line(own_reading, window)
            attribution = explanation.answer(own, own_reading)
    if has_all_weights:
        st.divider()
        bertviz.offer(own)
    # Last of all: it is measured in the background once the page stands.
    with badge:
        evidence.show(own, attribution)


page()
