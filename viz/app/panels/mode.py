"""The control that says which of its sides a page shows; the link names the chosen one."""

from collections.abc import Callable, Sequence

import streamlit as st

from viz.app import keys, link


def choose(title: str, modes: Sequence[str], key: str, *, label: Callable[[str], str] = str) -> str:
    """Let the reader choose; the first mode is the one that no link has to name.

    It is not bound to the URL by Streamlit, which would not let another page be opened then.

    Args:
        title: What is chosen, for those who hear the page.
        modes: What there is to choose from.
        key: The key of the control, which is no other page's.
        label: What a mode is called on screen.
    """
    linked = st.query_params.get(keys.MODE)
    if link.decides(key):
        st.session_state[key] = linked if linked in modes else modes[0]
    chosen = str(
        st.segmented_control(
            title,
            modes,
            format_func=label,
            key=key,
            required=True,
            persist_state="session",
            label_visibility="collapsed",
        )
    )
    link.keep_choice(keys.MODE, chosen, modes[0])
    return chosen
