"""What is compared: two texts, two checkpoints, or one text over the course of fine-tuning."""

import streamlit as st

from viz.app import keys

TEXTS, CHECKPOINTS, FINE_TUNING = "two texts", "two checkpoints", "fine-tuning"
MODES = (TEXTS, CHECKPOINTS, FINE_TUNING)


def choose_mode() -> str:
    """Let the reader choose what is compared; the link names it.

    It is not bound to the URL by Streamlit, which would not let another page be opened then.
    """
    linked = st.query_params.get(keys.MODE)
    if keys.MODE not in st.session_state:
        st.session_state[keys.MODE] = linked if linked in MODES else TEXTS
    chosen = str(
        st.segmented_control(
            "What is compared",
            MODES,
            key=keys.MODE,
            required=True,
            persist_state="session",
            label_visibility="collapsed",
        )
    )
    if chosen != TEXTS:
        st.query_params[keys.MODE] = chosen
    elif keys.MODE in st.query_params:
        del st.query_params[keys.MODE]
    return chosen
