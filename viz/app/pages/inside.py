"""The Inside page: every equation between the ids of a text and its class, with its own numbers."""

from pathlib import Path

import streamlit as st

from viz.app import checkpoints, keys, readings
from viz.app.markdown import plain
from viz.app.panels import lesson, long_reading, masthead, source, text
from viz.app.panels.inside import cell, story
from viz.app.panels.inside.mode import EQUATIONS, choose_mode
from viz.app.panels.text import Texts
from viz.attention.rollout import place
from viz.errors import MissingAttentionError, VizError
from viz.types import MissingAttention, Reading
from viz.widgets.equations.payload import Names
from viz.widgets.theme.component import follow_theme


def page() -> None:
    """Lay the page out; a VizError ends it with its one sentence, and the widgets stay."""
    st.html(Path(__file__).parent / "page.css")
    text.restore_from_link()
    with masthead.row():
        checkpoint = source.choose_checkpoint()
        source.choose_example()
        text.toggle_second_text()
    source.warn_of_link(checkpoint)
    try:
        show(checkpoint)
    except VizError as error:
        st.error(plain(str(error)), icon=":material/error:")
    follow_theme(keys.THEME)


def show(checkpoint: str) -> None:
    """Read the text, let the reader choose a cell, and show what is inside."""
    left, right = st.columns([5, 3], gap="medium")
    with left:
        texts = text.write_text()
    with right:
        if not long_reading.wait(checkpoint, texts):
            return
    reading = readings.read(checkpoint, texts.text, texts.pair)
    with right:
        text.show_prediction(reading, checkpoints.classifier(checkpoint).temperature)
    text.show_notes(reading.encoding.notes)
    st.divider()
    if choose_mode() == EQUATIONS:
        show_equations(checkpoint, texts, reading)
    else:
        lesson.show(checkpoint, texts)


def show_equations(checkpoint: str, texts: Texts, reading: Reading) -> None:
    """Show the equations of one attention weight."""
    if isinstance(reading.attention, MissingAttention):
        raise MissingAttentionError(reading.attention.reason)
    names = Names.of(reading)
    title = st.container()
    chosen = cell.choose(reading, names)
    with title:
        query, key = (plain(names.tokens[token]) for token in (chosen.query, chosen.key))
        where = place(chosen.layer, chosen.head)
        st.subheader(f"Inside {where}: {query} → {key}", anchor=False)
        st.caption(
            "Every equation between the ids of the text and its class, with the numbers of this "
            "reading, each computed again. Click a term to follow it."
        )
    story.show(checkpoint, texts, chosen)


page()
