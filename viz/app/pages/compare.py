"""The Compare page: two texts, two checkpoints, or one text over the course of fine-tuning."""

from pathlib import Path

import streamlit as st

from viz.app import keys
from viz.app.markdown import plain
from viz.app.panels import masthead, source, text
from viz.app.panels.comparison import film, two_checkpoints, two_texts
from viz.app.panels.comparison.mode import CHECKPOINTS, FINE_TUNING, TEXTS, choose_mode
from viz.errors import VizError
from viz.widgets.theme.component import follow_theme

# What shows each mode, given the checkpoint; Streamlit would put a docstring onto the page.
SHOWN = {TEXTS: two_texts.show, CHECKPOINTS: two_checkpoints.show, FINE_TUNING: film.show}


def page() -> None:
    """Lay the page out; a VizError ends it with its one sentence, and the widgets stay."""
    st.html(Path(__file__).parent / "page.css")
    text.restore_from_link()
    with masthead.row():
        checkpoint = source.choose_checkpoint()
    source.warn_of_link(checkpoint)
    mode = choose_mode()
    try:
        SHOWN[mode](checkpoint)
    except VizError as error:
        st.error(plain(str(error)), icon=":material/error:")
    follow_theme(keys.THEME)


page()
