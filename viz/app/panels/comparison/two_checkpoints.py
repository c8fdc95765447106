"""One text, read by two checkpoints."""

import streamlit as st

from viz.app import checkpoints, keys
from viz.app.comparisons import ComparisonRequest, Side
from viz.app.panels import source, text
from viz.app.panels.comparison import results

HELP = "Choose another checkpoint to compare with: a folder, or a run of the Train page."


def show(checkpoint: str) -> None:
    """Let the reader choose another checkpoint, and show what it does otherwise with the text."""
    left, right = st.columns([2, 1], gap="medium")
    with left:
        texts = text.write_text()
    others = [name for name in checkpoints.offered() if name != checkpoint]
    with right:
        other = source.choose_checkpoint(
            keys.OTHER_CHECKPOINT, "Other checkpoint", first=next(iter(others), None)
        )
        source.warn_of_link(other, keys.OTHER_CHECKPOINT)
    if not other or other == checkpoint:
        st.info(HELP, icon=":material/info:")
        return
    results.show(
        ComparisonRequest(
            Side(checkpoint, texts.text, texts.pair), Side(other, texts.text, texts.pair)
        )
    )
