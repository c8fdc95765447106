"""The Faithfulness page: how far each method can be believed for this checkpoint."""

from pathlib import Path

import streamlit as st

from viz import session
from viz.components.theme import follow_theme
from viz.pages.panels import masthead, source

st.html(Path(__file__).parent / "page.css")
with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
    masthead.show_masthead()
    chosen = source.choose_checkpoint()
follow_theme(session.THEME)
