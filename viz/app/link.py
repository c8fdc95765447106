"""The link to a page, which is its URL: what it says of the page's state, and what is put into it.

Widgets that are bound to the URL by Streamlit do both themselves; this is for all other state.
"""

from collections.abc import Mapping

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

NAMES_SOMETHING = "link-names-something"
"""Key of the session's state: whether the link had a parameter when the page began to run."""


def begin() -> None:
    """Note what the link is, before a page puts anything into it."""
    st.session_state[NAMES_SOMETHING] = bool(st.query_params)


def is_revisited() -> bool:
    """Whether the reader went back or forward: the URL is that of what was shown before.

    A page that was opened by its link in the masthead names nothing yet, and so changes nothing.
    """
    context = get_script_run_ctx(suppress_warning=True)
    is_named = bool(st.session_state.get(NAMES_SOMETHING))
    return context is not None and context.is_history_navigation and is_named


def decides(key: str) -> bool:
    """Whether a part of the session's state, by its key, shall be what the link says of it.

    So it is as long as nothing was chosen, and where the reader goes back or forward.
    """
    return key not in st.session_state or is_revisited()


def keep(written: Mapping[str, str | None]) -> None:
    """Put parameters into the URL, at once: what changes together is one step back.

    Args:
        written: Parameters by their names; None where the page begins so without one.
    """
    linked = st.query_params
    for name in written:
        if written[name] is None and name in linked:
            del linked[name]
    # What is there already is put there once more: two steps back in a row leave the browser with
    # the URL of the first, which came when it had gone on to the second.
    named = {name: value for name, value in written.items() if value is not None}
    if named:
        linked.update(named)


def keep_choice(name: str, chosen: str, first: str) -> None:
    """Put a choice into the URL, unless it is the one that the page begins with."""
    keep({name: chosen if chosen != first else None})
