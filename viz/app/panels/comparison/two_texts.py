"""Two texts, read by the same checkpoint."""

import streamlit as st

from viz.app import keys
from viz.app.panels import text


def show(checkpoint: str) -> None:
    """Let the reader write two texts, and show what changed from one to the other."""
    left, right = st.columns(2, gap="medium")
    with left:
        text.write_text()
    with right:
        st.text_area("Other text", key=keys.OTHER_TEXT, height=142, persist_state="session")
