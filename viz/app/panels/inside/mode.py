"""How the inside is shown: equation by equation, or as a lesson."""

import streamlit as st

from viz.app import keys

EQUATIONS, LESSON = "equations", "lesson"
MODES = (EQUATIONS, LESSON)
CHOICE = "inside-mode"
"""The key of the control, which is no other page's."""


def choose_mode() -> str:
    """Let the reader choose; the link names it."""
    linked = st.query_params.get(keys.MODE)
    if CHOICE not in st.session_state:
        st.session_state[CHOICE] = linked if linked in MODES else EQUATIONS
    chosen = str(
        st.segmented_control(
            "How it is shown",
            MODES,
            format_func=str.capitalize,
            key=CHOICE,
            required=True,
            persist_state="session",
            label_visibility="collapsed",
        )
    )
    if chosen != EQUATIONS:
        st.query_params[keys.MODE] = chosen
    elif keys.MODE in st.query_params:
        del st.query_params[keys.MODE]
    return chosen
