"""One text over the course of fine-tuning."""

import streamlit as st

from viz.app.panels import text


def show(checkpoint: str) -> None:
    """Show what the snapshots of a training made of the text.

    Args:
        checkpoint: The finished checkpoint, as the reader chose it.
    """
    text.write_text()
    st.caption("The film of fine-tuning is on its way.")
