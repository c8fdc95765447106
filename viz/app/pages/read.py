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
    masthead,
    save,
    source,
    text,
)
from viz.errors import VizError
from viz.types import MissingAttention
from viz.widgets.theme.component import follow_theme


def page() -> None:
    """Lay the page out; a VizError ends it with its one sentence, and the widgets stay."""
    st.html(Path(__file__).parent / "page.css")
    text.restore_from_link()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        masthead.show_masthead()
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
    texts = replace(texts, without=heads_off.chosen(checkpoint))
    reading = readings.read(checkpoint, *texts.inputs)
    with left:  # last in its column, so that it moves nothing of the page, and no focus is lost
        heads_off.say(checkpoint, texts)
    with right:
        text.show_prediction(reading, checkpoints.classifier(checkpoint).temperature)
        text.offer_comparison()
    text.show_notes(reading)
    st.divider()
    request, badge = explanation.ask(checkpoint, texts, reading.prediction)
    answer = st.container()
    st.divider()
    # Heads first: an attribution takes longer, and nobody should wait for it to see the atlas.
    heads.show_heads(
        checkpoint,
        texts,
        request.classes,
        beneath=lambda selection: save.offer(checkpoint, texts, request, selection),
    )
    has_maps = not isinstance(reading.attention, MissingAttention)
    if has_maps:
        importance.offer(request)
    with answer:
        attribution = explanation.answer(request, reading)
    if has_maps:
        st.divider()
        bertviz.offer(request)
    # Last of all: it is measured in the background once the page stands.
    with badge:
        evidence.show(request, attribution)


page()
